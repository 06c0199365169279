"""Requests to public addresses alone, so that an address of a webhook leads to nothing inside.

A name is resolved once: the address that was checked is the one that is connected to, whatever
the name leads to a moment later.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    Address = IPv4Address | IPv6Address
    Resolve = Callable[[str, int], list[str]]

_NAT64 = IPv6Network("64:ff9b::/96")
"""Addresses whose last 32 bits are an IPv4 address that a gateway connects to."""


class NotPublicError(Exception):
    """A name leads to an address that is not public; says which name, and nothing of the URL."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order they are to be tried.

    Raises:
        OSError: The name leads nowhere.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def is_public(text: str) -> bool:
    """Tell whether an address is anybody's to reach.

    >>> is_public("93.184.216.34"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return all(_is_public(each) for each in (address, *_within(address)))


def _is_public(address: Address) -> bool:
    inside = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )
    if isinstance(address, IPv6Address):
        # Reserved by the block they are in, but as public as the address inside them.
        mapped = address.ipv4_mapped is not None or address in _NAT64
        return mapped or (address.is_global and not inside and not address.is_site_local)
    return address.is_global and not inside


def _within(address: Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address is another form of."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)


class PublicTransport(httpx.BaseTransport):
    """Connects to addresses that were checked, under the name they were asked for by."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolve: Resolve = resolve,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._inner = httpx.HTTPTransport(verify=verify, trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first checked address that takes the connection.

        Raises:
            NotPublicError: One of the addresses is not public.
            httpx.TransportError: There is no address, or no answer.
        """
        addresses = self._checked(request.url)
        for address in addresses[:-1]:
            try:
                return self._inner.handle_request(_pinned(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # nothing was sent yet, so the next address may be tried
        return self._inner.handle_request(_pinned(request, addresses[-1]))

    def close(self) -> None:
        """Let go of connections."""
        self._inner.close()

    def _checked(self, url: httpx.URL) -> list[str]:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = self._resolve(url.host, port)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError("The name leads nowhere.") from error
        if not addresses:
            raise httpx.ConnectError("The name leads nowhere.")
        if not self._allow_private and not all(is_public(address) for address in addresses):
            raise NotPublicError(url.host)
        return addresses


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    """Return a request to an address that keeps its Host, and its name for TLS."""
    name = request.url.raw_host.decode("ascii")
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": name},
    )
