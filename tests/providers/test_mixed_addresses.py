"""A host with good and bad addresses: all are looked at, in whatever order they come."""

import pytest

from offerhub.ports.outgoing import AddressRefused
from offerhub.providers.outgoing import SafeSender

PUBLIC = ["93.184.216.34", "2606:4700:4700::1111"]
PRIVATE = ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fd00::1", "100.64.0.1"]


@pytest.mark.parametrize("private", PRIVATE)
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.proves("F17")
def test_one_private_address_among_many_is_enough_to_refuse_a_host(
    private: str, place: int
) -> None:
    addresses = [*PUBLIC[:place], private, *PUBLIC[place:]]
    sender = SafeSender(resolve=lambda host, port: addresses)
    with pytest.raises(AddressRefused):
        sender.check("https://mixed.example.com/hooks")
    answer = sender.post("https://mixed.example.com/hooks", headers={}, body=b"{}")
    assert answer.status is None
    assert "private" in str(answer.error)
