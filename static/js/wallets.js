/* Wallets of the browser (EIP-6963): they announce themselves, give an address, sign the text that the server made,
   and send the transactions that it prepared (send.js). The forms work without this script; it fills them in and sends
   them. What it says stands in ui/wallets.html. May run again after a boosted visit. */
(() => {
  "use strict";
  const doc = document;
  const one = (selector) => doc.querySelector(selector);
  const portal = (window.portalWallets ??= {});
  portal.found ??= new Map();
  const CHOSEN = "wallet";
  const words = () => JSON.parse(one("[data-wallet-said]")?.dataset.says || "{}");
  const word = (key, has = "", wants = "") => (words()[key] || key).replace("{has}", has).replace("{wants}", wants);
  const stop = (key, has, wants) => { throw { told: word(key, has, wants) }; };
  const name = (info) => String(info.name).slice(0, 60);
  const hexed = (number) => `0x${BigInt(number).toString(16)}`;

  function say(text) {
    const box = one("[data-wallet-said]");
    if (box) { box.textContent = text; box.hidden = !text; }
  }
  function why(error) {
    if (error?.told) return error.told;
    if (error?.code === 4001) return word("refused");
    if (error?.code === -32002) return word("pending");
    const text = `${error?.message || ""} ${reverted(error)}`, low = text.toLowerCase();
    if (low.includes("insufficient funds")) return word("fee");
    const known = JSON.parse(one("[data-wallet-said]").dataset.refusals).find(([contract]) => low.includes(contract));
    if (known) return known[1];
    if (/fetch|timeout|timed out|network|gateway|rate limit/.test(low)) return word("silent");
    return word("odd", text.trim() ? `: ${text.trim().slice(0, 200)}` : ".");
  }
  /* The sentence in a revert's data, wherever the wallet keeps it. */
  function reverted({ data } = {}) {
    const inner = data?.data?.data || data?.originalError?.data || data?.data || data;
    if (typeof inner !== "string" || !inner.startsWith("0x08c379a0")) return data?.message || "";
    const bytes = inner.slice(138).match(/../g) || [], size = parseInt(inner.slice(74, 138), 16);
    return String.fromCharCode(...bytes.slice(0, size).map((b) => parseInt(b, 16)));
  }

  /* --- choosing ----------------------------------------------------------------------------------------- */
  function show() {
    const list = one("[data-wallets]");
    if (!list || list.dataset.busy) return;
    list.querySelectorAll("button").forEach((b) => b.remove());
    for (const { info, provider } of portal.found.values()) {
      const button = doc.createElement("button"), icon = doc.createElement("img");
      button.type = "button";
      button.className = list.dataset.wallet ? "btn btn--wide btn--primary btn--big" : "btn btn--wide";
      if (/^data:image\//.test(info.icon || "")) { Object.assign(icon, { src: info.icon, alt: "", width: 24, height: 24 }); button.append(icon); }
      button.append(list.dataset.wallet ? word("sign", name(info)) : name(info));
      button.onclick = () => (list.dataset.wallet ? portal.send : choose)(info, provider, list);
      list.insertBefore(button, one("[data-wallet-said]"));
    }
    one("[data-wallet-none]").hidden = portal.found.size > 0;
  }
  async function choose(info, provider, list) {
    say("");
    try {
      const [address] = await provider.request({ method: "eth_requestAccounts" });
      if (!address) stop("locked");
      await onChain(provider, list.dataset);
      sessionStorage.setItem(CHOSEN, info.rdns || info.uuid);
      const form = one("[data-wallet-form]");
      form.elements.address.value = address;
      form.requestSubmit();
    } catch (error) { say(why(error)); }
  }
  async function onChain(provider, { chain, rpc }) {
    const chainId = hexed(chain), now = Number(await provider.request({ method: "eth_chainId" }));
    if (now === Number(chain)) return;
    const change = () => provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] });
    const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
    try {
      await change().catch(async (error) => {
        if (error?.code !== 4902 || !rpc) throw error;
        await provider.request({ method: "wallet_addEthereumChain", params: [{ chainId, chainName: "AudiFi", rpcUrls: [rpc], nativeCurrency }] });
        await change();
      });
    } catch (error) { stop(error?.code === 4902 ? "unknown" : "network", now, chain); }
  }

  /* --- signing a text ----------------------------------------------------------------------------------- */
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
    button.textContent = word("sign", name(chosen.info));
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
  Object.assign(portal, { say, word, stop, why, hexed, onChain, show: () => { show(); offer(); } });
  portal.show();
  dispatchEvent(new Event("eip6963:requestProvider"));
})();
