/* A wallet of the browser signs and sends the transactions that the page prepared, one after the other; then the page
   of the last one's steps is opened. What wallets.js knows is used when a button is pressed. */
(() => {
  "use strict";
  const doc = document;
  const portal = (window.portalWallets ??= {});
  const NODE_MILLISECONDS = 20000, POLL_MILLISECONDS = 1000, LOST_AFTER = 30, REPLACED_AFTER = 3;
  const pause = (time) => new Promise((done) => setTimeout(done, time));
  const short = (address) => `${address.slice(0, 6)}…${address.slice(-4)}`;

  function mark(step, state, text = "") {
    const use = step.querySelector("use"), icon = { done: "check", now: "spinner" }[state] || "circle";
    step.dataset.state = state;
    step.querySelector("small").textContent = text;
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon}`));
    use.parentNode.classList.toggle("icon--spin", state === "now");
  }
  /* A press goes on where the last one stopped: what is mined is not sent again. */
  async function send(info, provider, box) {
    const { wallet, next } = box.dataset, buttons = box.querySelectorAll("button");
    const ask = (method, ...params) => provider.request({ method, params });
    const read = (...call) => Promise.race([ask(...call), pause(NODE_MILLISECONDS).then(() => portal.stop("silent"))]);
    const steps = [...doc.querySelectorAll("#sign-steps > li")];
    portal.say("");
    box.dataset.busy = "1";
    buttons.forEach((b) => { b.disabled = true; });
    try {
      const accounts = await ask("eth_requestAccounts");
      if (!accounts?.length) portal.stop("locked");
      if (!accounts.some((a) => a.toLowerCase() === wallet)) portal.stop("account", short(accounts[0]), short(wallet));
      await portal.onChain(provider, box.dataset);
      for (const step of steps.filter((s) => s.dataset.state !== "done")) {
        const tx = { from: wallet, to: step.dataset.to, data: step.dataset.data, value: portal.hexed(step.dataset.value) };
        mark(step, "now", portal.word("ask"));
        if (!step.dataset.hash) {
          await afford(read, tx);
          step.dataset.hash = await ask("eth_sendTransaction", tx);
        }
        const hash = step.dataset.hash;
        if (step === steps.at(-1)) {
          mark(step, "now", portal.word("left"));
          const sent = await read("eth_getTransactionByHash", hash).catch(() => null);
          const told = { wallet, next, ...(sent?.nonce === undefined ? {} : { nonce: Number(sent.nonce) }) };
          location.assign(`/transactions/${hash}?${new URLSearchParams(told)}`);
          return;
        }
        mark(step, "now", portal.word("wait"));
        await mined(read, step, wallet);
        mark(step, "done");
      }
    } catch (error) { portal.say(portal.why(error)); }
    steps.filter((s) => s.dataset.state === "now").forEach((s) => mark(s, "next"));
    delete box.dataset.busy;
    buttons.forEach((b) => { b.disabled = false; });
  }
  async function afford(read, tx) {
    const has = BigInt(await read("eth_getBalance", tx.from, "latest")), price = BigInt(tx.value);
    if (has < price) portal.stop("price");
    if (has === 0n) portal.stop("fee");
    const [gas, cost] = [await read("eth_estimateGas", tx), await read("eth_gasPrice")];
    if (has < price + BigInt(gas) * BigInt(cost)) portal.stop("fee");
  }
  async function mined(read, step, wallet) {
    for (let unseen = 0; unseen < LOST_AFTER; await pause(POLL_MILLISECONDS)) {
      const receipt = await read("eth_getTransactionReceipt", step.dataset.hash);
      if (receipt?.blockNumber) {
        if (Number(receipt.status)) return;
        delete step.dataset.hash;
        portal.stop("reverted");
      }
      const sent = await read("eth_getTransactionByHash", step.dataset.hash);
      if (sent) step.dataset.nonce = Number(sent.nonce);
      unseen = sent ? 0 : unseen + 1;
      if (unseen >= REPLACED_AFTER && await overtaken(read, step, wallet)) {
        delete step.dataset.hash;
        portal.stop("replaced");
      }
    }
    delete step.dataset.hash;
    portal.stop("dropped");
  }
  /* The wallet's queue went on without it: it was sped up or cancelled there. */
  async function overtaken(read, step, wallet) {
    return step.dataset.nonce !== undefined && Number(await read("eth_getTransactionCount", wallet, "latest")) > Number(step.dataset.nonce);
  }

  portal.send = send;
})();
