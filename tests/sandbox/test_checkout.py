"""The checkout page: what a payer sees, and where the browser goes afterwards."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from offerhub.sandbox.config import SEED_USERS
from tests.sandbox.airtm_world import payin_body


class Page(HTMLParser):
    """Forms, options, labels and outside references of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms, self.options, self.labelled, self.controls = [], [], set(), set()
        self.outside, self.lang = [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "html":
            self.lang = given.get("lang")
        if tag == "form":
            self.forms.append((given["method"], given["action"]))
        if tag == "option":
            self.options.append(given["value"])
        if tag == "label":
            self.labelled.add(given["for"])
        if tag in ("select", "input", "textarea"):
            self.controls.add(given["id"])
        if tag in ("script", "link", "img", "iframe"):
            self.outside.append(tag)


@pytest.fixture
def browser(sandbox):
    with httpx.Client(base_url=sandbox.url, verify=False) as client:
        yield client


@pytest.fixture
def payin(airtm):
    return airtm.post("/payins", json=payin_body()).json()


def test_the_template_leads_to_the_page(sandbox, payin):
    response = httpx.get(sandbox.checkout_url_template.format(id=payin["id"]))
    assert response.status_code == 200
    assert "Wallet top-up" in response.text
    assert "50.00 USD" in response.text


def test_the_page_is_self_contained_and_labelled(browser, payin):
    page = Page(browser.get(f"/checkout/payin/{payin['id']}").text)
    assert page.lang == "en"
    assert page.outside == []
    assert page.controls == page.labelled != set()
    assert page.forms == [
        ("post", f"/checkout/payin/{payin['id']}/pay"),
        ("post", f"/checkout/payin/{payin['id']}/cancel"),
    ]
    assert sorted(page.options) == sorted(user.email for user in SEED_USERS)


def test_paying_confirms_the_payin_and_returns_with_the_code(browser, airtm, payin):
    response = browser.post(
        f"/checkout/payin/{payin['id']}/pay", data={"email": "buyer@example.com"}
    )
    assert response.status_code == 303
    assert response.headers["location"] == "https://pay.shop.example/return?code=topup_1"
    assert airtm.get(f"/payins/{payin['id']}").json()["status"] == "CONFIRMED"


def test_cancelling_returns_to_the_cancel_address(browser, airtm, payin):
    response = browser.post(f"/checkout/payin/{payin['id']}/cancel")
    assert response.status_code == 303
    assert response.headers["location"] == "https://pay.shop.example/cancel?code=topup_1"
    assert airtm.get(f"/payins/{payin['id']}").json()["status"] == "CANCELED"


def test_a_query_of_the_merchant_is_kept(browser, airtm):
    uri = "https://pay.shop.example/return?shop=7&empty="
    payin = airtm.post("/payins", json=payin_body(confirmationUri=uri)).json()
    response = browser.post(
        f"/checkout/payin/{payin['id']}/pay", data={"email": "buyer@example.com"}
    )
    query = parse_qs(urlsplit(response.headers["location"]).query, keep_blank_values=True)
    assert query == {"shop": ["7"], "empty": [""], "code": ["topup_1"]}


def test_after_the_payment_the_page_is_dead(browser, airtm, payin):
    form = {"email": "buyer@example.com"}
    browser.post(f"/checkout/payin/{payin['id']}/pay", data=form)
    balance = airtm.get("/me/balance").json()
    assert browser.get(f"/checkout/payin/{payin['id']}").status_code == 410
    assert browser.post(f"/checkout/payin/{payin['id']}/pay", data=form).status_code == 410
    assert browser.post(f"/checkout/payin/{payin['id']}/cancel").status_code == 410
    assert airtm.get("/me/balance").json() == balance


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("us@example.com", "415053"),
        ("inactive@example.com", "415009"),
        ("nobody@example.com", "415059"),
        ("", "415059"),
    ],
)
def test_a_payer_who_may_not_pay_sees_why_and_can_choose_again(browser, airtm, payin, email, code):
    response = browser.post(f"/checkout/payin/{payin['id']}/pay", data={"email": email})
    assert response.status_code in (404, 422)
    assert code in response.text
    assert 'role="alert"' in response.text
    assert Page(response.text).forms
    assert airtm.get(f"/payins/{payin['id']}").json()["status"] == "CREATED"


def test_an_unknown_payment_is_not_found(browser):
    assert browser.get("/checkout/payin/unknown").status_code == 404


def test_text_of_the_merchant_is_escaped(browser, airtm):
    nasty = "<script>alert('x')</script>"
    items = [{"description": nasty, "amount": 50, "quantity": 1}]
    payin = airtm.post("/payins", json=payin_body(description=nasty, items=items)).json()
    text = browser.get(f"/checkout/payin/{payin['id']}").text
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 2
