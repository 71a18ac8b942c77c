/* What a month pays and what a full sale brings, from the fields of the offer form; whole numbers only. */
(() => {
  "use strict";
  const { all, one, click, on, shown, fill } = portal;
  const units = (text, decimals) => {
    const found = /^(\d*)(?:\.(\d*))?$/.exec(text.trim().replaceAll(",", ""));
    if (!found || !(found[1] || found[2]) || (found[2] || "").length > decimals) return null;
    return BigInt((found[1] || "0") + (found[2] || "").padEnd(decimals, "0"));
  };
  function calculate() {
    const form = one("form[data-calc]");
    if (!form) return;
    const value = (name, decimals) => units(form.elements[name]?.value || "", decimals);
    const decimals = Number(one("[name=currency] :checked", form)?.dataset.decimals ?? form.dataset.decimals ?? 6);
    const supply = value("totalSupply", 0), price = value("mintPrice", decimals), bps = value("holdersPercent", 2);
    const month = units(one("[data-month]")?.value || "", 2), fee = BigInt(form.dataset.feeBps || 0);
    const pool = month !== null && bps !== null && bps <= 10000n ? (month * bps) / 10000n : null;
    const each = pool !== null && supply ? (pool * 10n ** 4n) / supply : null, dash = "—";
    const gross = supply && price !== null ? supply * price : null, cut = gross === null ? null : (gross * fee) / 10000n;
    const view = (n, places) => (n === null ? dash : shown(n, places));
    fill(document, {
      pool: view(pool, 2), ten: view(each === null ? null : each * 10n, 6), each: view(each, 6),
      gross: view(gross, decimals), fee: cut === null ? dash : "−" + shown(cut, decimals), net: view(gross === null ? null : gross - cut, decimals),
      "gross-lines": gross === null ? "Shares × price" : `${shown(supply, 0)} × ${shown(price, decimals)}`,
      currency: form.elements.currency?.value || "",
    });
  }
  click("[data-month-set]", (b) => { one("[data-month]").value = b.dataset.monthSet; all("[data-month-set]").forEach((o) => o.setAttribute("aria-pressed", o === b)); calculate(); });
  on("input", (e) => { if (e.target.closest("form[data-calc]") || e.target.matches("[data-month]")) calculate(); });
  on("input", (e) => { const to = e.target.dataset?.range; if (to) { const f = e.target.form.elements[to]; f.value = Number(e.target.value).toFixed(2); calculate(); } });
  portal.calculate = calculate;
})();
