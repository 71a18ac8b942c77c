"""What the chain says about a share's metadata leads to the portal's own JSON."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

import sqlalchemy as sa

from portal.chain.abi import decode_result, encode_call
from portal.db import db
from portal.masters.models import MasterContract
from portal.nfts.models import MasterNft
from tests.conftest import Client
from tests.marketplace.test_money import Sale, sale  # noqa: F401  (a fixture)
from tests.onchain import contracts, onchain, work  # noqa: F401  (fixtures)


def asked(sale: Sale, function: str, *arguments: int) -> str:  # noqa: F811
    """The path of an address that the contract names; it is on the portal's own host."""
    shares = db.session().scalars(sa.select(MasterContract.contract_address)).one()
    answer = sale.node.call(shares, encode_call("MasterShares", function, arguments))
    (uri,) = decode_result("MasterShares", function, answer)
    origin = sale.app.config["SETTINGS"].public_url
    assert uri.startswith(origin)
    return urlsplit(uri).path


def test_the_chains_addresses_lead_here(client: Client, sale: Sale) -> None:  # noqa: F811
    for number in (1, 3):
        answer = client.get(asked(sale, "tokenURI", number))
        body = answer.json
        traits = {trait["trait_type"]: trait["value"] for trait in body["attributes"]}
        assert (answer.status_code, body["name"].endswith(f" #{number}")) == (200, True)
        assert (traits["Mint position"], traits["Tier"], traits["Minter slot"]) == (number, "Pioneer", number)
        assert client.get(urlsplit(body["image"]).path).mimetype == "image/svg+xml"
    again = client.get(asked(sale, "tokenURI", 3), headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age=300" in answer.headers["Cache-Control"]
    assert client.get(asked(sale, "contractURI")).json["external_url"].endswith(f"/masters/{sale.id}")
    path = asked(sale, "tokenURI", 1).rpartition("/")[0]
    assert [client.get(f"{path}/{number}").status_code for number in ("4", "x", "9" * 99)] == [404] * 3
    assert client.get(f"/metadata/{uuid.uuid4()}/1").status_code == 404
    assert b"retained" not in answer.data
    assert db.session().scalar(sa.select(sa.func.count()).select_from(MasterNft)) == 3
