/* Wallets of the browser (EIP-6963): they announce themselves, give an address, and sign the text that the server
   made. The forms work without this script; it fills them in and sends them. May run again after a boosted visit. */
(() => {
  "use strict";
  const doc = document;
  const one = (selector) => doc.querySelector(selector);
  const portal = (window.portalWallets ??= { found: new Map(), listening: false });
  const REJECTED = 4001, UNKNOWN_CHAIN = 4902, CHOSEN = "wallet";

  function say(text) {
    const box = one("[data-wallet-said]");
    if (box) { box.textContent = text; box.hidden = !text; }
  }
  const why = (error) => {
    if (error?.code === REJECTED) return "You said no in the wallet. Nothing was signed; choose it again when you are ready.";
    if (error?.code === -32002) return "The wallet is already asking you something. Open it and answer there.";
    return `The wallet did not answer as it should${error?.message ? `: ${String(error.message).slice(0, 200)}` : "."}`;
  };

  /* --- choosing ----------------------------------------------------------------------------------------- */
  function show() {
    const list = one("[data-wallets]");
    if (!list) return;
    list.querySelectorAll("button").forEach((b) => b.remove());
    for (const { info, provider } of portal.found.values()) {
      const button = doc.createElement("button"), icon = doc.createElement("img");
      button.type = "button";
      button.className = "btn btn--wide";
      if (/^data:image\//.test(info.icon || "")) { Object.assign(icon, { src: info.icon, alt: "", width: 24, height: 24 }); button.append(icon); }
      button.append(String(info.name).slice(0, 60));
      button.onclick = () => choose(info, provider, Number(list.dataset.chain));
      list.append(button);
    }
    one("[data-wallet-none]").hidden = portal.found.size > 0;
  }
  async function choose(info, provider, chain) {
    say("");
    try {
      const [address] = await provider.request({ method: "eth_requestAccounts" });
      if (!address) { say("The wallet gave no address. Unlock it and try again."); return; }
      if (!(await onChain(provider, chain))) return;
      sessionStorage.setItem(CHOSEN, info.rdns || info.uuid);
      const form = one("[data-wallet-form]");
      form.elements.address.value = address;
      form.requestSubmit();
    } catch (error) { say(why(error)); }
  }
  async function onChain(provider, chain) {
    const now = Number(await provider.request({ method: "eth_chainId" }));
    if (now === chain) return true;
    try {
      await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: `0x${chain.toString(16)}` }] });
      return true;
    } catch (error) {
      say(error?.code === UNKNOWN_CHAIN
        ? `Your wallet does not know network ${chain}, which this portal works on. Add that network to it, then choose it again.`
        : `Your wallet is on network ${now}; this portal works on network ${chain}. Switch it there, then choose it again.`);
      return false;
    }
  }

  /* --- signing ------------------------------------------------------------------------------------------ */
  const hex = (text) => `0x${[...new TextEncoder().encode(text)].map((b) => b.toString(16).padStart(2, "0")).join("")}`;
  async function sign(form, provider) {
    say("");
    try {
      const params = [hex(form.elements.message.value), form.dataset.walletSign];
      form.elements.signature.value = await provider.request({ method: "personal_sign", params });
      sessionStorage.removeItem(CHOSEN);
      form.requestSubmit();
    } catch (error) { say(why(error)); }
  }
  function offer() {
    const form = one("[data-wallet-sign]"), button = one("[data-wallet-ask]");
    const chosen = form && portal.found.get(sessionStorage.getItem(CHOSEN));
    if (!chosen || !button.hidden) return;
    button.hidden = false;
    button.textContent = `Sign with ${String(chosen.info.name).slice(0, 60)}`;
    button.onclick = () => sign(form, chosen.provider);
    sign(form, chosen.provider);
  }

  if (!portal.listening) {
    portal.listening = true;
    addEventListener("eip6963:announceProvider", ({ detail }) => {
      if (!detail?.info || typeof detail.provider?.request !== "function") return;
      portal.found.set(detail.info.rdns || detail.info.uuid, detail);
      portal.show();
    });
  }
  portal.show = () => { show(); offer(); };
  portal.show();
  dispatchEvent(new Event("eip6963:requestProvider"));
})();
