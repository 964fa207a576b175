"""The promises in the order of their lines."""

from soak.promise import Promise

PROMISES: tuple[Promise, ...] = ()
