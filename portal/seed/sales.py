"""Sales: the one that sold out months ago with its twelve holders, and those of today."""

from __future__ import annotations

import sqlalchemy as sa

from portal.chain.signer import of_demo_fan
from portal.masters import ending, intents
from portal.masters.enums import IpoStatus
from portal.outbox import OutboxJob
from portal.seed import clock, masters, wallets
from portal.seed.clock import DAY
from portal.seed.data import FIRST_LAUNCH, FIRST_SALE, LATER_LAUNCH, LATER_SALES, PAYOUT, SOLD_OUT, Purchase
from portal.seed.field import Field, Sown, acting, fan_email, owner_of, person, there
from portal.seed.waiting import until, was_asked


def first_sale(field: Field) -> None:
    """Launched, sold out to twelve holders, closed, its proceeds paid out: all of it months ago."""
    clock.reach(FIRST_LAUNCH * DAY)
    masters.put_on_sale(field, SOLD_OUT)
    for purchase in FIRST_SALE:
        clock.reach(purchase.days_ago * DAY)
        _buy(field, there(SOLD_OUT), purchase)
    if there(SOLD_OUT).offer is not IpoStatus.CLOSED:
        clock.settle()
    until(f"{SOLD_OUT} is closed", lambda _: there(SOLD_OUT).offer is IpoStatus.CLOSED, field.patience)
    clock.reach(PAYOUT * DAY)
    _pay_out(field, there(SOLD_OUT))


def todays_sales(field: Field) -> None:
    """The live offers, and the one that is called off after its first buyers."""
    clock.reach(LATER_LAUNCH * DAY)
    for title in LATER_SALES:
        masters.put_on_sale(field, title)
    every = [(title, each) for title, sold in LATER_SALES.items() for each in sold[: field.plan.buyers]]
    for title, purchase in sorted(every, key=lambda pair: -pair[1].days_ago):
        clock.reach(purchase.days_ago * DAY)
        _buy(field, there(title), purchase)
    clock.catch_up()
    masters.call_off(field)


def _buy(field: Field, master: Sown, purchase: Purchase) -> None:
    """The fan's own wallet signs what the portal prepares: leave to take the coins, then the mint."""
    name, signer = f"mint:{master.title}:{purchase.fan}", of_demo_fan(purchase.fan)
    if wallets.was_sent(name):
        return wallets.resume(name)
    if master.offer is not IpoStatus.LIVE:
        return None
    fan = person(fan_email(purchase.fan))
    wanted = intents.mint_intent(fan.id, master.id, signer.address, purchase.shares, field.settings)
    if wanted.approval is not None:
        wallets.sign(f"approve:{name}", wanted.approval, signer)
    return wallets.sign(name, wanted.mint, signer)


def _pay_out(field: Field, master: Sown) -> None:
    job, owner = ending.chain_job("pay_proceeds", master.offer_id), owner_of(master.title)
    if not was_asked(job):
        with acting(owner):
            ending.withdraw_proceeds(owner.id, master.id)
    paid = sa.select(OutboxJob.done_at).where(OutboxJob.dedupe == job)
    until(f"the proceeds of {master.title} are paid out", lambda session: session.scalar(paid), field.patience, job)
