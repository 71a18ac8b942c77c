/* A list's next rows that did not come: the link stays, and says what a press does now. */
(() => {
  "use strict";
  if (window.portalRows) return;
  window.portalRows = true;
  const retry = ({ detail: { ctx } }) => {
    const link = ctx?.sourceElement;
    if (link?.rel === "next" && !(ctx.response?.status < 400)) link.textContent = "Retry";
  };
  for (const name of ["htmx:before:swap", "htmx:error"]) document.addEventListener(name, retry);
})();
