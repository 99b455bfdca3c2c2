"""`offerhub openapi`: the API's description; needs no deployment."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of stdout."
)
def openapi(output: Path | None) -> None:
    """Print the OpenAPI document of this version."""
    from offerhub.api.app import assemble
    from offerhub.api.openapi import as_text

    _, api = assemble()
    text = as_text(api)
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    click.echo(f"wrote {output}", err=True)
