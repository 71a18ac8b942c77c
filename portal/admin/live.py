"""Room "admin" on the live line: that there is something new for staff; what it is each page asks for itself."""

from __future__ import annotations

from portal.web.access import staff
from portal.web.sockets import room

room("admin", staff, lambda _only: True, single=True)
