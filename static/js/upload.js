/* How much of a big file is sent: a form with data-upload shows it, and goes where the answer leads. */
(() => {
  "use strict";
  if (portal.uploads) return;
  portal.uploads = true;
  function answered(request, failed) {
    if (request.status < 400) { location.assign(request.responseURL); return; }
    const page = new DOMParser().parseFromString(request.responseText, "text/html"), main = page.querySelector("main");
    if (!main) { failed(); return; }
    document.title = page.title;
    document.querySelector("main").replaceWith(main);
    document.querySelector("#form-errors")?.focus();
  }
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (!form.matches("form[data-upload]") || !form.querySelector("input[type=file]").files.length) return;
    e.preventDefault();
    e.stopPropagation();
    const shown = form.querySelector("[data-uploading]"), bar = shown.querySelector("progress");
    const said = shown.querySelector("[role=status]"), button = form.querySelector(".btn--primary");
    const failed = () => { said.textContent = "The connection was lost. Nothing was kept: send it again."; button.disabled = false; };
    const request = new XMLHttpRequest();
    shown.hidden = false;
    button.disabled = true;
    request.upload.onprogress = (sent) => { bar.value = Math.floor((100 * sent.loaded) / sent.total); said.textContent = `${bar.value} % sent`; };
    request.onerror = failed;
    request.onload = () => answered(request, failed);
    request.open("POST", location.href);
    request.send(new FormData(form));
  }, true);
})();
