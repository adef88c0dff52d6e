"use strict";
// Parts that refresh themselves: they rest while nobody looks, and say so when what they show is old.
(() => {
  const isPolled = (event) => event.target instanceof Element && event.target.matches("[data-poll]");
  let fresh = new Date();

  function say(text) {
    const place = document.getElementById("stale");
    if (!place) return;
    place.hidden = !text;
    if (place.textContent !== text) place.textContent = text;
  }

  function old() {
    say(`The service does not answer. What you see is from ${fresh.toISOString().slice(11, 19)} UTC.`);
  }

  document.addEventListener("htmx:before:request", (event) => {
    if (isPolled(event) && document.hidden) event.preventDefault();
  });
  document.addEventListener("htmx:before:response", (event) => {
    if (!isPolled(event)) return;
    const answer = event.detail.ctx.response.raw;
    if (answer.ok && !answer.redirected) {
      fresh = new Date();
      say("");
      return;
    }
    event.preventDefault();
    // The session is over: the page itself leads to the login and back.
    if (answer.redirected || answer.status === 401 || answer.status === 403) location.reload();
    else old();
  });
  document.addEventListener("htmx:error", (event) => {
    if (isPolled(event)) old();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    document.querySelectorAll("[data-poll]").forEach((part) => part.dispatchEvent(new Event("look")));
  });
})();
