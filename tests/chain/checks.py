"""What must hold: after every step by storage words, at the end of a run by the contracts' own views and logs."""

from __future__ import annotations

from portal.chain.abi import NATIVE
from tests.chain.oracle import CLOSED
from tests.chain.replay import MarketReplay, Replay, coin_balances
from tests.chain.stage import Stage
from tests.chain.storage import DividendsWords, MarketWords, SharesWords, held, place


class Checks(Stage):
    def check(self) -> None:
        """Every invariant, and every word that the last step may have touched."""
        self.shares_words = SharesWords(self.evm, self.master.shares)
        self.dividends_words = DividendsWords(self.evm, self.master.dividends)
        self.market_words = MarketWords(self.evm, self.market.address)
        self.check_shares()
        for currency in self.currencies:
            self.check_currency(currency)
        self.check_orders()
        self.check_sales()
        self.check_coin()
        self.check_a_view()

    def check_shares(self) -> None:
        oracle, words = self.oracle, self.shares_words
        assert words.minted == oracle.minted <= self.terms["supply"]
        assert words.minted - words.burned == len(oracle.owner)
        assert words.flags == oracle.flags
        assert words.roles() == [*oracle.slots, NATIVE, NATIVE, NATIVE][:3]
        balances = oracle.balances()
        for who in self.everyone:
            assert words.account(who) == (balances[who], oracle.minted_by[who])
        for id in range(1, oracle.minted + 1):
            owner, moves = words.token(id)
            assert (owner, moves) == (oracle.owner.get(id, NATIVE), oracle.moves[id])
            assert words.approved(id, moves) == oracle.approved.get(id, NATIVE)

    def check_currency(self, currency: str) -> None:
        """The invariants of the money, on what the chain says."""
        oracle = self.oracle
        deposited, _, carry = self.dividends_words.pool(currency)
        earned = sum(amount for (_, token), amount in oracle.earned.items() if token == currency)
        claimed = sum(amount for (_, token), amount in oracle.claimed.items() if token == currency)
        assert deposited == earned + carry
        assert 0 <= carry < self.terms["supply"]
        assert claimed <= earned
        assert held(self.evm, currency, self.master.dividends) == deposited - claimed
        pots = self.shares_words.pots(currency)
        assert (pots, self.shares_words.held(currency)) == (oracle.pots[currency], sum(pots))
        escrow = oracle.escrow if currency == self.terms["currency"] else 0
        assert held(self.evm, currency, self.master.shares) == escrow + sum(pots) + oracle.unsplit[currency]
        for box in self.boxes:
            assert self.market_words.credit(box.address, currency) == oracle.credits[box.address, currency]
        assert held(self.evm, currency, self.market.address) == oracle.due_from_market(currency)
        dues = self.dividends_words.claimable(currency, oracle.balances())
        for who in self.everyone:
            assert held(self.evm, currency, who) == oracle.money[currency, who]
            assert dues(who) == oracle.due(who, currency)

    def check_orders(self) -> None:
        oracle, words = self.oracle, self.market_words
        assert words.last_offer == oracle.last_offer
        for id in range(1, oracle.minted + 1):
            order = oracle.listings.get(id)
            expected = order and (order.maker, order.currency, order.price, order.fee, order.moves, order.deadline)
            assert words.listing(self.master.shares, id) == expected
        for number in range(1, oracle.last_offer + 1):
            order = oracle.offers.get(number)
            expected = order and (order.maker, order.token, order.currency, order.price, order.fee, order.deadline)
            assert words.offer(number) == expected

    def check_sales(self) -> None:
        """price = seller + parts + fee, with each part and the fee rounded down."""
        for sold in self.result.named("Sold") if self.result else []:
            price, parts = sold["price"], sold["parts"]
            assert price == sold["sellerGets"] + sum(parts) + sold["fee"]
            assert list(parts) == [*self.oracle.parts(price), 0, 0, 0][:4]

    def check_coin(self) -> None:
        coin, word = self.oracle.coin, self.evm.word
        balances = {who: word(self.artist_coin, place("ArtistCoin", "balanceOf", who)) for who in coin.balances}
        assert balances == coin.balances
        assert sum(balances.values()) == word(self.artist_coin, place("ArtistCoin", "totalSupply")) == coin.supply
        for who in self.savers:
            assert word(self.artist_coin, place("ArtistCoin", "nonces", who)) == coin.nonces[who]
        for pair, amount in coin.allowed.items():
            assert word(self.artist_coin, place("ArtistCoin", "allowance", *pair)) == amount

    def check_a_view(self) -> None:
        """One of the views that people read, after every step."""
        oracle, who, currency = self.oracle, self.wallet(), self.currency()
        views = [
            lambda: self.master.view("phase") == oracle.phase,
            lambda: self.master.view("escrow") == oracle.escrow,
            lambda: self.master.claimable(who, currency) == oracle.due(who, currency),
            lambda: self.master.view("balanceOf", who) == oracle.balances()[who],
            lambda: self.market.view("credits", who, currency) == oracle.credits[who, currency],
        ]
        assert self.random.choice(views)()

    # ------------------------------------------------------------ the end of a run

    def check_views(self) -> None:
        """The contracts' views against the words that were checked all along."""
        oracle, master = self.oracle, self.master
        assert (master.view("minted"), master.view("totalSupply")) == (oracle.minted, len(oracle.owner))
        assert (master.view("artist"), master.view("flags")) == (oracle.artist, oracle.flags)
        roles = [*oracle.roles(), NATIVE, NATIVE, NATIVE][:4]
        assert [master.view("roleWallet", role) for role in range(4)] == roles
        for id, owner in list(oracle.owner.items())[:4]:
            parts = (*oracle.parts(10_001), 0, 0, 0)[:4]
            terms = (owner, oracle.moves[id], oracle.phase == CLOSED, parts)
            assert (master.view("ownerOf", id), master.view("moves", id)) == (owner, oracle.moves[id])
            assert master.view("orderTerms", id, 10_001) == terms
            assert master.view("getApproved", id) == oracle.approved.get(id, NATIVE)
            order = oracle.live_listings().get(id)
            shown = self.market.view("listing", master.shares, id)
            assert (shown[0], shown[4]) == ((order.maker, order.price) if order else (NATIVE, 0))
        for number, order in oracle.offers.items():
            shown = (order.maker, master.shares, *order[1:5], order.deadline)
            assert self.market.view("openOffer", number) == shown

    def check_logs(self) -> None:
        oracle, ours = self.oracle, (self.master.shares, self.master.dividends)
        replay = Replay(artist=self.world.artist, supply=self.terms["supply"])
        replay.read([log for log in self.evm.logs if log.address in ours])
        assert (replay.owner, replay.slots, replay.artist) == (oracle.owner, oracle.slots, oracle.artist)
        assert replay.escrow == oracle.escrow
        assert replay.flags == oracle.flags & 7
        for currency in self.currencies:
            assert replay.pots[currency] == oracle.pots[currency]
            assert replay.carry[currency] == oracle.carry[currency]
            for who in self.everyone:
                due = replay.earned[who, currency] - replay.claimed[who, currency]
                assert due == oracle.due(who, currency)
        self.check_market_logs()

    def check_market_logs(self) -> None:
        oracle = self.oracle
        replay = MarketReplay()
        replay.read([log for log in self.evm.logs if log.address in (self.master.shares, self.market.address)])
        live = {id: order._replace(moves=0) for id, order in oracle.live_listings().items()}
        assert replay.listings == live
        assert replay.offers == {number: order._replace(moves=0) for number, order in oracle.offers.items()}
        assert +replay.credits == +oracle.credits
        for currency in self.currencies:
            assert replay.due(currency) == oracle.due_from_market(currency)
        coin_logs = [log for log in self.evm.logs if log.address == self.artist_coin]
        assert +coin_balances(coin_logs) == +oracle.coin.balances

    def drain(self) -> None:
        """Everybody takes what is theirs: what is left is the carry, and royalties nobody could be told of."""
        for box in self.boxes:
            self.behave(box, 0)
        for number, order in list(self.oracle.offers.items()):
            assert self.market.run(order.maker, "cancelOffer", number).ok
        for (who, currency), amount in self.oracle.credits.items():
            assert self.market.run(who, "withdraw", currency).ok == (amount > 0)
        if self.oracle.phase < CLOSED:
            self.master.run(self.world.operator, "close")
        self.master.run(self.world.operator, "withdrawProceeds")
        for who in dict.fromkeys([*self.everyone, self.oracle.artist]):
            self.take_all(who)
        for currency in self.currencies:
            listed = currency == NATIVE or currency in self.oracle.listed
            assert held(self.evm, currency, self.market.address) == 0
            assert held(self.evm, currency, self.master.dividends) == self.oracle.carry[currency]
            assert held(self.evm, currency, self.master.shares) == (0 if listed else self.oracle.unsplit[currency])

    def take_all(self, who: str) -> None:
        mine = [id for id, owner in self.oracle.owner.items() if owner == who]
        for first in range(0, len(mine), 30):
            self.master.run(who, "refund", mine[first : first + 30])
        if any(self.oracle.due(who, currency) for currency in self.currencies):
            self.master.pay(self.fans[0], "claimAllFor", who)
        for currency in self.currencies if who in self.oracle.roles() else []:
            if self.oracle.unsplit[currency] or any(self.oracle.pots[currency]):
                self.master.run(who, "withdrawRoyalty", currency)
