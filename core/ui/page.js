// What every page does: it keeps the language and the theme that its reader chose in cookies, so that the next page comes as it was,
// and never shows the past.

/** How long a browser keeps a choice, in seconds: a year. */
const KEPT = 365 * 24 * 60 * 60;

for (const select of document.querySelectorAll("[data-setting]")) {
  select.addEventListener("change", () => {
    const { setting } = select.dataset;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `llm_gateway_${setting}=${select.value}; Path=/; Max-Age=${KEPT}; SameSite=Lax${secure}`;
    if (setting === "theme") {
      document.documentElement.dataset.theme = select.value;
    } else {
      location.reload();
    }
  });
}

// A page brought back by the back button is perhaps another person's.
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload();
  }
});
