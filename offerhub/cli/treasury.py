"""`offerhub treasury`: the balance sheet, and the platform's own wallets."""

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def treasury(as_json: bool) -> None:
    """Show where the money sits, whom it belongs to, and where that can be looked up."""
    from offerhub.cli.application import operator_context
    from offerhub.services import treasury as service

    ctx = operator_context()
    found = {**service.balance_sheet(ctx), "wallets": service.platform_wallets(ctx)}
    if as_json:
        click.echo(json.dumps(found))
        return
    rows = [(one["account"], one["amount_exact"], one["place"] or "") for one in found["assets"]]
    rows.append(("assets", found["assets_total_exact"], ""))
    rows.append(("owed to users", found["owed_to_users_exact"], ""))
    rows += [(one["account"], one["amount_exact"], "") for one in found["equity"]]
    rows.append(("difference", found["difference_exact"], ""))
    width = max(len(name) for name, _, _ in rows)
    for name, amount, place in rows:
        click.echo(f"{name:<{width}}  {amount:>20} USD  {place}".rstrip())
    for role, address in found["wallets"].items():
        click.echo(f"{role + ' wallet':<{width}}  {address}")
    click.echo(f"{found['pending_operations']} operations may still move money.")
