"""`offerhub openapi`: the API's description; needs no deployment."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of stdout."
)
@click.option("--errors", is_flag=True, help="The manual's page of error codes instead.")
def openapi(output: Path | None, *, errors: bool) -> None:
    """Print the OpenAPI document of this version."""
    text = _errors() if errors else _document()
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    click.echo(f"wrote {output}", err=True)


def _document() -> str:
    from offerhub.api.app import assemble
    from offerhub.api.openapi import as_text

    _, api = assemble()
    return as_text(api)


def _errors() -> str:
    from offerhub.api.error_table import page

    return page()
