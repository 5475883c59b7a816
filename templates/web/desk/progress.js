// Shows how far an edition is sent while it is sent, without a reload. The page has a link that does the same.
"use strict";
(() => {
  const place = document.querySelector("[data-progress]");
  if (!place) return;
  const write = (count) => count.toLocaleString("en-GB");
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(place.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const told = await answer.json();
      const bar = place.querySelector("progress");
      [bar.max, bar.value] = [told.letters, told.done];
      for (const each of place.querySelectorAll("[data-count]")) each.textContent = write(told[each.dataset.count]);
      if (!told.under_way) location.reload();
    } catch { /* the next look may reach the desk again */ }
  };
  setInterval(look, 4000);
})();
