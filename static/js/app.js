/* Delegated from the document or run again after each swap: a boosted visit needs no script of its own. */
(() => {
  "use strict";
  const doc = document, root = doc.documentElement, self = doc.currentScript;
  const all = (selector, from = doc) => [...from.querySelectorAll(selector)];
  const one = (selector, from = doc) => from.querySelector(selector);
  const on = (name, handler, options) => doc.addEventListener(name, handler, options);
  const click = (selector, act) => on("click", (e) => { const hit = e.target.closest?.(selector); if (hit) act(hit, e); });
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  /* --- saying things ------------------------------------------------------------------------------------ */
  const announce = (text) => { const box = one("#announce"); if (box) { box.textContent = ""; setTimeout(() => { box.textContent = text; }, 60); } };
  function toast(text) {
    const box = one("#toasts");
    if (!box || !text) return;
    const item = doc.createElement("div"), shut = doc.createElement("button");
    item.className = "toast";
    item.append(text);
    shut.type = "button"; shut.textContent = "×"; shut.setAttribute("aria-label", "Close");
    shut.onclick = () => item.remove();
    item.append(shut);
    box.replaceChildren(...[...box.children].slice(-2), item);
    setTimeout(() => item.remove(), 8000);
  }
  on("toast", (e) => toast(e.detail.message || e.detail.value));

  /* --- htmx --------------------------------------------------------------------------------------------- */
  const token = () => (one("main input[name=csrf_token]") || {}).value || one("meta[name=csrf-token]").content;
  const isVisit = (ctx) => ctx.target === doc.body;
  const isReturn = (ctx) => "HX-History-Restore-Request" in (ctx.request.headers || {});
  // A plain POST stays one; forms that want htmx say hx-post. So this comes before htmx.
  on("htmx:before:init", (e) => { if (e.target.matches("form[method=post]:not([hx-post])")) e.preventDefault(); });
  on("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.request.method !== "GET") ctx.request.headers["X-CSRFToken"] = token();
    ctx.transition = isVisit(ctx) && !calm.matches;
    ctx.was = doc.activeElement?.id;
  });
  // A button that was disabled meanwhile has lost the focus.
  on("htmx:finally:request", ({ detail: { ctx } }) => setTimeout(() => { if (ctx.was && doc.activeElement === doc.body) doc.getElementById(ctx.was)?.focus(); }));
  on("htmx:before:response", (e) => {
    const raw = e.detail.ctx.response.raw;
    if (raw.redirected && new URL(raw.url).pathname === "/login") { e.preventDefault(); location.assign(raw.url); }
  });
  on("htmx:before:swap", (e) => {
    const { ctx } = e.detail;
    if (!ctx.select || !ctx.text) return;
    const page = new DOMParser().parseFromString(ctx.text, "text/html");
    if (one(ctx.select, page)) return;
    e.preventDefault();
    if (ctx.response.status >= 400) toast((one("h1", page) || one("title", page) || {}).textContent || "This did not work. Nothing was changed.");
  });
  on("htmx:error", (e) => { if (e.detail.ctx?.sourceElement !== doc.body) toast("The line broke. Nothing was changed; please try again."); });
  on("htmx:after:swap", ({ detail: { ctx } }) => {
    start();
    if (!isVisit(ctx) || isReturn(ctx)) return;
    announce(ctx.title || doc.title);
    if (!ctx.request.anchor) scrollTo(0, 0);
    (one("#form-errors") || one("main h1[tabindex]") || one("main"))?.focus({ preventScroll: true });
  });

  /* --- forms -------------------------------------------------------------------------------------------- */
  on("submit", (e) => {
    const form = e.target;
    if (form.method !== "post" || form.hasAttribute("hx-post") || e.defaultPrevented) return;
    if (form.dataset.busy) { e.preventDefault(); return; }
    if (form.dataset.confirm && !confirm(form.dataset.confirm)) { e.preventDefault(); return; }
    form.dataset.busy = "1";
    setTimeout(() => all("button", form).forEach((b) => { b.disabled = true; }));
  });
  addEventListener("pageshow", (e) => { if (e.persisted) all("form[data-busy]").forEach((f) => { delete f.dataset.busy; all("button", f).forEach((b) => { b.disabled = false; }); }); });
  on("change", (e) => {
    if (e.target.matches("[data-submit]")) e.target.form.requestSubmit();
    if (e.target.dataset.choice) choose(e.target);
  });
  const choose = (radio) => all(`[data-vote-button="${radio.form.id}"]`).forEach((b) => { b.textContent = "Vote for " + radio.dataset.choice; });

  /* Whole numbers of the smallest unit, shown as ui/figures.html shows them. */
  const shown = (n, decimals, least = 2) => {
    const text = n.toString().padStart(decimals + 1, "0");
    const whole = text.slice(0, text.length - decimals).replace(/\B(?=(\d{3})+$)/g, ",");
    const rest = decimals ? text.slice(-decimals).replace(/0+$/, "").padEnd(Math.min(least, decimals), "0") : "";
    return rest ? `${whole}.${rest}` : whole;
  };
  function fill(form, values) {
    for (const [name, text] of Object.entries(values)) all(`[data-out="${name}"]`, form).forEach((el) => { el.textContent = text; });
  }
  function step(form, by = 0) {
    const input = one("input[type=number]", form), d = form.dataset;
    const most = Math.max(1, Number(d.max || input.max) || 1);
    const count = Math.min(most, Math.max(1, (parseInt(input.value, 10) || 1) + by));
    if (by || String(count) !== input.value) input.value = count;
    const decimals = Number(d.decimals), n = BigInt(count), sum = n * BigInt(d.price), noun = count === 1 ? "share" : "shares";
    const part = (n * BigInt(d.holdersBps || 0) * 10000n) / BigInt(d.supply || 1);
    fill(form, {
      lines: `${shown(n, 0)} ${noun} × ${shown(BigInt(d.price), decimals)}`, sum: shown(sum, decimals),
      part: `${shown(part, 6)} %`, button: `Buy ${shown(n, 0)} ${noun} for ${shown(sum, decimals)} ${d.currency}`,
    });
    all("[data-step]", form).forEach((b) => { b.disabled = b.dataset.step < 0 ? count <= 1 : count >= most; });
  }
  click("[data-step]", (b) => step(b.closest("form"), Number(b.dataset.step)));
  on("input", (e) => { if (e.target.value && e.target.closest("form[data-stepper]")) step(e.target.form); });

  /* --- time --------------------------------------------------------------------------------------------- */
  const ahead = Date.parse(one("meta[name=server-time]")?.content || "") - Date.now() || 0;
  const now = () => Date.now() + ahead;
  const day = { day: "numeric", month: "short" }, date = { ...day, year: "numeric" }, minute = { hour: "2-digit", minute: "2-digit" };
  const forms = { date, long: { ...date, month: "long" }, day, clock: { ...minute, second: "2-digit" }, minute, datetime: { ...date, ...minute } };
  const format = (at, kind) => new Intl.DateTimeFormat("en-GB", { ...forms[kind], hourCycle: "h23" }).format(at).replace("Sept", "Sep");
  function ago(at) {
    const s = (now() - at) / 1000;
    if (s < 60) return "just now";
    if (s < 3600) return `${Math.floor(s / 60)} min ago`;
    return s < 86400 ? `${Math.floor(s / 3600)} h ago` : format(at, s < 3e7 ? "day" : "date");
  }
  function localise(el) {
    const at = Date.parse(el.dateTime), kind = el.dataset.time;
    if (Number.isNaN(at) || kind === "month") return;
    el.textContent = kind === "ago" ? ago(at) : format(at, forms[kind] ? kind : "datetime");
    el.title = new Date(at).toUTCString();
  }
  function left(s) {
    const pad = (n) => String(n).padStart(2, "0"), d = Math.floor(s / 86400), h = Math.floor((s % 86400) / 3600), m = Math.floor((s % 3600) / 60);
    if (d) return h ? `${d} d ${h} h` : `${d} d`;
    return h ? (m ? `${h} h ${m} min` : `${h} h`) : `${m}:${pad(Math.floor(s % 60))}`;
  }
  function tick() {
    all("[data-countdown]").forEach((el) => {
      const s = (Date.parse(el.dateTime) - now()) / 1000, over = s <= 0;
      const text = over ? "now" : left(s);
      if (el.textContent !== text) el.textContent = text;
      if (over && !el.dataset.over) { el.dataset.over = "1"; setTimeout(() => refresh(el.closest("[data-refresh-url]")), 1500); }
    });
  }
  setInterval(tick, 1000);
  setInterval(() => all("time[data-time=ago]").forEach(localise), 30000);

  /* --- small things ------------------------------------------------------------------------------------- */
  click("[data-copy]", ({ dataset: { copy } }) => navigator.clipboard?.writeText(copy[0] === "/" ? location.origin + copy : copy).then(() => toast("Copied.")));
  click("[data-theme-toggle]", () => {
    const dark = getComputedStyle(root).colorScheme === "dark" || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = dark ? "light" : "dark";
    doc.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax`;
  });
  on("click", (e) => all("details[data-menu][open]").forEach((d) => { if (!d.contains(e.target) || e.target.closest("a")) d.open = false; }));
  const keysOff = () => localStorage.getItem("keys") === "off";
  click("[data-keys-toggle]", () => { localStorage.setItem("keys", keysOff() ? "on" : "off"); toast(keysOff() ? "Keyboard shortcuts are off." : "Keyboard shortcuts are on: / goes to the search."); });
  on("keydown", (e) => {
    if (e.key === "Escape") all("details[data-menu][open]").forEach((d) => { d.open = false; one("summary", d).focus(); });
    if (keysOff() || e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input,textarea,select,[contenteditable]")) return;
    const box = one("#find") || one("#q");
    if (e.key === "/" && box?.offsetParent) { e.preventDefault(); box.focus(); }
    const links = all("#rows td:first-child a"), by = { j: 1, k: -1 }[e.key];
    if (by) links[Math.max(0, links.indexOf(doc.activeElement) + by)]?.focus();
    if (e.key === "?") toast("/ goes to the search, j and k walk a list. The foot of the page turns shortcuts off.");
  });
  const line = () => { const box = one("#offline"); if (box) box.hidden = navigator.onLine; };
  addEventListener("offline", line);
  addEventListener("online", () => { line(); refreshAll(); });

  /* --- loaded when a page first needs them ------------------------------------------------------------------- */
  const loaded = {};
  const load = (name) => (loaded[name] ??= new Promise((done, failed) => {
    const script = doc.createElement("script");
    Object.assign(script, { src: self.dataset[name], onload: done, onerror: (e) => { delete loaded[name]; failed(e); } });
    doc.head.append(script);
  }));
  click("[data-play]", (b, e) => { e.preventDefault(); load("player").then(() => portal.play(b)); });

  /* --- live --------------------------------------------------------------- */
  let socket = null, joined = "";
  const seen = {};
  const wanted = () => all("[data-room]").map((el) => el.dataset.room).join(" ");
  const alive = () => Boolean(socket?.connected);
  function apply(news) {
    if (!news?.type) return;
    all(`[data-live="${CSS.escape(news.type)}"]`).forEach((el) => {
      const [name, id] = (el.dataset.key || ":").split(":"), value = news[el.dataset.field];
      if (String(news[name]) !== id || value === undefined) return;
      const key = `${news.type} ${el.dataset.key}`, last = Math.max(seen[key] ?? 0, Number(el.dataset.seq) || 0), seq = news.seq ?? last;
      if (seq < last) return;
      seen[key] = seq;
      el.dataset.seq = seq;
      if (el.localName === "progress") el.value = value;
      else if (el.dataset.per) el.setAttribute("width", `${value * el.dataset.per}%`);
      else el.textContent = typeof value === "number" ? (el.dataset.of ? el.dataset.of - value : value).toLocaleString("en") : value;
    });
    all("[data-refresh-on]").forEach((el) => { if (el.dataset.refreshOn.split(" ").includes(news.type)) refresh(el); });
    all(`[data-news-on="${CSS.escape(news.type)}"]`).forEach((el) => { el.hidden = false; });
    if (news.type === "notice" && news.message) toast(news.message);
  }
  function refresh(el) {
    if (!el?.isConnected || doc.hidden) return;
    const at = doc.activeElement, typing = /^text/.test(at?.type) && at.value && el.contains(at) && !at.closest("[hx-morph-skip]");
    if (!typing) htmx.ajax("GET", el.dataset.refreshUrl || location.pathname + location.search, { target: "#" + el.id, select: "#" + el.id, swap: "outerMorph" });
  }
  const refreshAll = () => all("[data-refresh-url]").forEach(refresh);
  const lost = (state) => all("[data-lost]").forEach((el) => { el.hidden = !state; });
  async function live() {
    const rooms = wanted();
    if (rooms === joined) return;
    joined = rooms;
    socket?.disconnect();
    socket = null;
    if (!rooms) return;
    try { await load("socket"); } catch { joined = ""; return; }
    if (joined !== rooms) return;
    let before = false;
    const mine = (socket = io({ transports: ["websocket"] }));
    mine.on("connect", () => {
      rooms.split(" ").forEach((room) => mine.emit("join", { room }, (ack) => { if (ack?.ok) [].concat(ack.state ?? []).forEach(apply); }));
      if (before) refreshAll();
      before = true;
      lost(false);
    });
    mine.on("disconnect", () => lost(true));
    mine.onAny((type, news) => apply({ type, ...news }));
  }
  setInterval(() => { if (!alive() && navigator.onLine) refreshAll(); }, 5000);

  /* --- at first and after every swap ----------------------------------------------------------------------- */
  function start() {
    all("time[data-time]").forEach(localise);
    all("form[data-stepper]").forEach((f) => step(f));
    all("[data-choice]:checked").forEach(choose);
    all(".tabs [aria-current]").forEach((el) => { el.parentNode.scrollLeft = el.offsetLeft - 60; });
    if (one("form[data-calc]")) load("calc").then(() => portal.calculate());
    portal.mark?.();
    tick(); line(); live();
  }
  const portal = (window.portal = { all, one, click, on, shown, fill, toast });
  start();
})();
