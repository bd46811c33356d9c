"""What licences of weights forbid, told before the weights are used."""

import logging

log = logging.getLogger("wordmask.engines")

# Words in a licence's name -> what a person must know before using the weights.
RESTRICTIONS = {
    "non-commercial": "they may not be used commercially, nor what is made with them sold",
    "agpl": "whoever offers a service with them must publish the service's source",
    "openrail": "their licence lists uses that are forbidden",
}


def restriction(licence: str) -> str | None:
    """What a licence forbids, if it is one of those that forbid something.

    >>> restriction("AGPL-3.0")
    "whoever offers a service with them must publish the service's source"
    >>> restriction("Apache-2.0") is None
    True
    """
    name = licence.lower()
    found = [text for word, text in RESTRICTIONS.items() if word in name]
    return found[0] if found else None


def tell(name: str, licence: str) -> None:
    """Warn of weights whose licence forbids something."""
    forbidden = restriction(licence)
    if forbidden is not None:
        log.warning("the weights of %s are under %s: %s", name, licence, forbidden)
