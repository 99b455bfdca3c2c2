"""The catalogue of errors as a page of the manual."""

from typing import Final

from offerhub.domain.errors import CATALOG

_RETRY: Final = {
    "no": "no",
    "later": "yes, the same request again",
    "after_change": "after a change of the request or the state",
}

_HEAD: Final = """\
# Errors

Every refusal has one shape:

```json
{
  "error": {
    "code": "INSUFFICIENT_FUNDS",
    "message": "The available balance is too low.",
    "details": {},
    "request_id": "req_V1StGXR8_Z5jdHi6B-myT"
  }
}
```

`code` is for programs, `message` for people; messages may get better, codes stay. `details` is
always an object. For bad fields it holds `fields`, each with `field` and `message`; for a refused
change of state `current_state` and `allowed_states`; for a missing scope `required_scope` and
`current_scopes`. Answers with 429 and 503 carry `Retry-After` in seconds. Quote `request_id` when
you ask for help.

When all bad fields have the same trouble, the code says which: `MISSING_REQUIRED_FIELD`,
`INVALID_AMOUNT_FORMAT`, `INVALID_AMOUNT` or `INVALID_CURRENCY`; otherwise it is
`VALIDATION_ERROR`.

A provider's own words never reach you; the operator's log has them under the request id.

| code | HTTP | what it says | worth repeating |
|---|---|---|---|
"""


def page() -> str:
    """Markdown, in the catalogue's order."""
    rows = [
        f"| `{entry.code}` | {entry.status} | {entry.message} | {_RETRY[entry.retry]} |"
        for entry in CATALOG.values()
    ]
    return _HEAD + "\n".join(rows) + "\n"
