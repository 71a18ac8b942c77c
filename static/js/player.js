/* One <audio> that survives boosted visits; loaded at the first press of a play button. */
(() => {
  "use strict";
  const { all, one, click, on, toast } = portal;
  const audio = () => one("#player-audio");
  const part = (name) => one(`[data-player=${name}]`);
  const mmss = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  function listen(b) {
    const a = audio(), d = b.dataset;
    if (a.getAttribute("src") === d.play) { a.paused ? a.play() : a.pause(); return; }
    a.src = d.play;
    part("title").textContent = d.title || "";
    part("artist").textContent = d.artist || "";
    if (d.cover) part("cover").src = d.cover;
    part("link").href = d.href || location.pathname;
    part("end").textContent = d.end ? mmss(d.end) : "";
    const wave = one(`[data-wave="${CSS.escape(d.play)}"]`), big = one("#player .wave");
    if (wave) { big.setAttribute("viewBox", wave.getAttribute("viewBox")); all("path", big).forEach((p) => p.setAttribute("d", one("defs path", wave).getAttribute("d"))); }
    a.play().catch(() => toast("This recording could not be played."));
  }
  function played() {
    const a = audio(), share = a.duration ? a.currentTime / a.duration : 0, src = a.getAttribute("src");
    part("now").textContent = mmss(a.currentTime);
    if (a.duration && Number.isFinite(a.duration)) part("end").textContent = mmss(a.duration);
    all(`#player .wave, [data-wave="${CSS.escape(src || "-")}"]`).forEach((w) => one("rect", w).setAttribute("width", share * w.viewBox.baseVal.width));
    all("[data-now]").forEach((el) => { if (el.dataset.now === src) el.textContent = mmss(a.currentTime); });
  }
  function pressed() {
    const a = audio(), src = a?.getAttribute("src");
    if (!a) return;
    all("[data-play]").forEach((b) => b.setAttribute("aria-pressed", b.dataset.play === src && !a.paused));
    part("toggle").setAttribute("aria-pressed", !a.paused);
    if (src) played();
  }
  click("[data-player=toggle]", () => { const a = audio(); a.paused ? a.play() : a.pause(); });
  click("[data-seek], [data-wave]", (el, e) => {
    const a = audio(), wave = el.dataset.wave, box = el.getBoundingClientRect();
    if (wave && a.getAttribute("src") !== wave) { const b = one(`[data-play="${CSS.escape(wave)}"]`); if (b) listen(b); return; }
    if (a.duration && e.clientX) a.currentTime = ((e.clientX - box.left) / box.width) * a.duration;
  });
  for (const name of ["play", "pause", "ended"]) on(name, pressed, true);
  on("timeupdate", played, true);
  Object.assign(portal, { play: listen, mark: pressed });
})();
