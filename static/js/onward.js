/* Press the page's only button for the visitor. */
document.querySelector("form[data-onward]")?.requestSubmit();
