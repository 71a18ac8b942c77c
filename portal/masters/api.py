"""Masters and their offers for API clients."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from flask import current_app
from flask_login import current_user

from portal.config import Settings
from portal.db import db
from portal.errors import NotFound
from portal.masters import ending, forms, intents, launch, policies, queries, service, shapes
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterIpo
from portal.versions import Api
from portal.web.access import anyone, role, signed_in
from portal.web.bodies import keyed

api = Api("masters_api", __name__)


@api.get("/masters/<uuid:master_id>", versions=(1, 2), access=anyone, answers=shapes.ANSWERS)
def get_master(master_id: uuid.UUID, version: int) -> shapes.MasterV1 | shapes.MasterV2:
    master = queries.public(db.session(), master_id)
    if master is None:
        raise NotFound
    return shapes.shape_response(master, master.ipo, version)


@api.post(
    "/masters",
    versions=(1, 2),
    access=role("artist"),
    takes={1: forms.LegacyMaster, 2: forms.NewMaster},
    answers=shapes.ANSWERS,
    status=201,
)
def post_master(
    version: int, body: forms.LegacyMaster | forms.NewMaster
) -> tuple[shapes.MasterV1 | shapes.MasterV2, int]:
    def answer(master: Master) -> tuple[int, shapes.MasterV1 | shapes.MasterV2]:
        return 201, shapes.shape_response(master, master.ipo, version)

    master = service.create_master_with_ipo(
        current_user.user_id, body.details(), body.terms(), current_app.config["SETTINGS"], keyed(answer)
    )
    return answer(master)[1], 201


@api.patch("/masters/<uuid:master_id>", versions=(2,), access=signed_in)
def patch_master(master_id: uuid.UUID, version: int, body: forms.MasterChanges) -> shapes.MasterV2:
    """Change what a draft says; once it is launched that is a 409."""

    def answer(master: Master) -> tuple[int, shapes.MasterV2]:
        return 200, shapes.master_v2(master, master.ipo)

    who, held = current_user.user_id, queries.owned(db.session(), master_id, current_user.user_id)
    if held is None:
        raise NotFound
    details, seen = body.changed(service.details_of(held)), service.edition(held)
    settings = current_app.config["SETTINGS"]
    return answer(service.edit_draft(who, master_id, details, None, settings, keyed(answer), seen))[1]


@api.post("/masters/<uuid:master_id>/confirm-rights", versions=(2,), access=signed_in)
def post_rights(master_id: uuid.UUID, version: int) -> shapes.MasterV2:
    master = service.confirm_rights(current_user.user_id, master_id, keyed(_master))
    return shapes.master_v2(master, master.ipo)


@api.put("/masters/<uuid:master_id>/ipo", versions=(2,), access=signed_in)
def put_offer(master_id: uuid.UUID, version: int, body: forms.NewIpo) -> shapes.MasterV2:
    settings = current_app.config["SETTINGS"]
    master = service.set_offer(current_user.user_id, master_id, body.terms(), None, settings, keyed(_master))
    return shapes.master_v2(master, master.ipo)


def _master(master: Master) -> tuple[int, shapes.MasterV2]:
    return 200, shapes.master_v2(master, master.ipo)


@api.get("/masters/<uuid:master_id>/ipo", versions=(2,), access=anyone)
def get_offer(master_id: uuid.UUID, version: int) -> shapes.Offer:
    master = queries.public(db.session(), master_id)
    if master is None or master.ipo is None:
        raise NotFound
    addresses: shapes.Contracts = {
        "shares": master.contracts[0].contract_address if master.contracts else None,
        "dividends": master.dividend_contracts[0].contract_address if master.dividend_contracts else None,
    }
    return shapes.offer(master, master.ipo, addresses, policies.in_force(db.session(), master.ipo))


@api.post("/masters/<uuid:master_id>/ipo/launch", versions=(2,), access=signed_in, status=202)
def post_launch(master_id: uuid.UUID, version: int) -> tuple[shapes.Asked, int]:
    """202 with the offer's status and the name of the job that deploys it; a second launch is a 409."""

    def answer(ipo: MasterIpo) -> tuple[int, shapes.Asked]:
        return 202, {"status": ipo.status.value, "job": launch.deployment_job(ipo.id)}

    status, body = answer(launch.launch_ipo(current_user.user_id, master_id, keyed(answer)))
    return body, status


@api.post("/masters/<uuid:master_id>/ipo/cancel", versions=(2,), access=signed_in, status=202)
def post_cancel(master_id: uuid.UUID, version: int) -> tuple[shapes.Asked, int]:
    """202 with the offer's status; what is on the chain already is stopped by the job that is named."""
    answer = _asked("cancel_contract")
    status, body = answer(ending.cancel_offer(current_user.user_id, master_id, keyed(answer)))
    return body, status


@api.post("/masters/<uuid:master_id>/ipo/close", versions=(2,), access=signed_in, status=202)
def post_close(master_id: uuid.UUID, version: int) -> tuple[shapes.Asked, int]:
    """202: the job that is named closes the contract; the offer is closed once that is final."""
    answer = _asked("close_contract")
    status, body = answer(ending.close_offer(current_user.user_id, master_id, keyed(answer)))
    return body, status


def _asked(act: str) -> Callable[[MasterIpo], tuple[int, shapes.Asked]]:
    """202 with the offer's status, and the job's name while the chain still has to be told."""

    def answer(ipo: MasterIpo) -> tuple[int, shapes.Asked]:
        told = ipo.status in (IpoStatus.DRAFT, IpoStatus.CANCELLED)
        return 202, {"status": ipo.status.value, "job": None if told else ending.chain_job(act, ipo.id)}

    return answer


@api.post("/masters/<uuid:master_id>/ipo/mint-intents", versions=(2,), access=signed_in)
def post_mint_intent(master_id: uuid.UUID, version: int, body: forms.MintIntent) -> shapes.IntentToMint:
    """The unsigned transaction, with the portal's permit in it, and its price lines.

    Asking accepts the terms that the answer names; `termsVersion` says which were read, others are a 409.
    """
    settings: Settings = current_app.config["SETTINGS"]
    who, wallet = current_user.user_id, body.wallet
    intent = intents.mint_intent(who, master_id, wallet, body.quantity, settings, body.terms_version)
    return shapes.mint_intent(intent)
