"""The checkout page at `/checkout/payin/{id}`: stands in for the page where an Airtm user confirms.

Plain HTML without scripts, so that a person and a test drive the very same forms. It sends the
browser back as Airtm does; the redirect proves nothing.
"""

import sqlite3
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from offerhub.sandbox.airtm import amounts, payins, users
from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.world import AirtmWorld

STYLE = """
:root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 2rem auto; padding: 0 1rem; }
.amount { font-size: 2rem; font-weight: 600; margin: 0.25rem 0; }
label, select, button { display: block; font: inherit; }
select { width: 100%; padding: 0.5rem; margin: 0.25rem 0 1rem; }
button { padding: 0.6rem 1.4rem; margin-top: 0.75rem; cursor: pointer; }
.problem { border-left: 0.3rem solid #b00020; padding: 0.5rem 0.8rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: 0.3rem 0.5rem 0.3rem 0; }
td:last-child, th:last-child { text-align: right; }
"""


def checkout_blueprint(world: AirtmWorld) -> Blueprint:
    """The page and its two forms, under `/checkout`."""
    blueprint = Blueprint("checkout", __name__)

    @blueprint.get("/payin/<payin_id>")
    def show(payin_id: str) -> Response:
        payin = payins.get(world, payin_id)
        if payin["status"] != "CREATED":
            return _page(_closed(payin), status=410)
        return _page(_form(world, payin))

    @blueprint.post("/payin/<payin_id>/pay")
    def pay(payin_id: str) -> AnyResponse:
        payin = payins.get(world, payin_id)
        if payin["status"] != "CREATED":
            return _page(_closed(payin), status=410)
        try:
            payins.pay(world, payin_id, email=request.form.get("email", ""))
        except AirtmError as error:
            return _page(_form(world, payin, problem=error), status=error.http_status)
        return redirect(_with_code(payin["confirmation_uri"], payin["code"]), code=303)

    @blueprint.post("/payin/<payin_id>/cancel")
    def cancel(payin_id: str) -> AnyResponse:
        payin = payins.get(world, payin_id)
        if payin["status"] != "CREATED":
            return _page(_closed(payin), status=410)
        payins.cancel(world, payin_id)
        return redirect(_with_code(payin["cancel_uri"], payin["code"]), code=303)

    @blueprint.errorhandler(AirtmError)
    def refuse(error: AirtmError) -> Response:
        return _page(f"<h1>Payment not found</h1><p>{escape(error.message)}</p>", status=404)

    return blueprint


def _form(world: AirtmWorld, payin: sqlite3.Row, *, problem: AirtmError | None = None) -> str:
    options = "".join(
        f'<option value="{escape(user["email"])}">{escape(_label(user))}</option>'
        for user in users.list_users(world)
    )
    notice = (
        f'<p class="problem" role="alert">{escape(problem.message)} ({problem.code})</p>'
        if problem
        else ""
    )
    return f"""
<h1>Confirm your payment</h1>
{notice}
<p>{escape(payin["description"])}</p>
<p class="amount">{amounts.text(payin["amount"])} USD</p>
{_items(payin)}
<form method="post" action="/checkout/payin/{payin["id"]}/pay">
<label for="email">Airtm user who pays</label>
<select id="email" name="email" required>{options}</select>
<button type="submit">Pay {amounts.text(payin["amount"])} USD</button>
</form>
<form method="post" action="/checkout/payin/{payin["id"]}/cancel">
<button type="submit">Cancel</button>
</form>
<p>This is the sandbox: no real money moves.</p>
"""


def _items(payin: sqlite3.Row) -> str:
    rows = "".join(
        f"<tr><td>{escape(str(item['description']))}</td><td>{item['quantity']}</td>"
        f"<td>{item['amount']:.2f}</td></tr>"
        for item in payins.answer(payin)["items"]
    )
    return (
        "<table><thead><tr><th scope='col'>Item</th><th scope='col'>Quantity</th>"
        f"<th scope='col'>USD each</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _label(user: dict[str, object]) -> str:
    traits = [str(user["status"]), "verified" if user["isVerified"] else "not verified"]
    if "country" in user:
        traits.append(str(user["country"]))
    return f"{user['email']} ({', '.join(traits)})"


def _closed(payin: sqlite3.Row) -> str:
    return (
        "<h1>This payment link is closed</h1>"
        f"<p>The payment is {escape(payin['status'])}."
        " To pay, start a new one with the merchant.</p>"
    )


def _page(content: str, *, status: int = 200) -> Response:
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Sandbox checkout</title><style>{STYLE}</style></head>"
        f"<body><main>{content}</main></body></html>"
    )
    return Response(document, status=status, mimetype="text/html")


def _with_code(uri: str, code: str) -> str:
    """The merchant's address with `code` added to its query."""
    parts = urlsplit(uri)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("code", code)])
    return urlunsplit(parts._replace(query=query))
