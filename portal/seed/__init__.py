"""`flask seed`: staff, demo artists with masters in every state, holders, revenue, rooms and votes.

Everything goes through the portal's own services, jobs and chain, so every counter equals its rows. The development
chain begins in the past; the seed walks its clock to now while the first sale and its income happen, so that they
have true block times. Each step finds by itself what is left to do: the seed may be killed anywhere and started again,
beside running workers. Once it is through, it says so in `system_events`, and later runs leave everything alone.
"""

from portal.seed.run import sow
from portal.seed.waiting import Patience, Stalled

__all__ = ["Patience", "Stalled", "sow"]
