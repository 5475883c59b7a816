// Makes the desk quicker where there is a script: saves at once, moves by drag, tabs on a phone, tells what came.
// Every page works without it.
"use strict";
(() => {
  const page = document.body;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // A page comes back to the height at which a form left it, because a list must not move under one's hands.
  const place = "desk " + location.pathname;
  const kept = sessionStorage.getItem(place);
  if (kept && !location.hash) scrollTo(0, Number(kept));
  addEventListener("pagehide", () => sessionStorage.setItem(place, String(scrollY)));

  // Tabs: on a phone one column is shown.
  const tabs = all(".tabs a");
  const choose = (hash) => {
    const tab = tabs.find((each) => each.getAttribute("href") === hash) || tabs[0];
    for (const each of tabs) {
      const chosen = each === tab;
      each.toggleAttribute("aria-current", chosen);
      if (chosen) each.setAttribute("aria-current", "true");
      document.querySelector(each.getAttribute("href")).classList.toggle("current", chosen);
    }
  };
  if (tabs.length) {
    page.classList.add("tabbed");
    choose(location.hash);
    addEventListener("hashchange", () => choose(location.hash));
  }

  // The object that a form changes, as the log names it: several forms of a page may change the same.
  const about = (form) => {
    const [edition, number] = ["edition", "number"].map((name) => form.querySelector(`[name=${name}]`));
    return edition ? "edition " + edition.value : number ? "entry " + number.value : "";
  };

  // Save at once, and say when; a stale form or a mistake is told beside the button, and nothing that was typed is lost.
  const send = async (form) => {
    const told = form.querySelector("[data-saved]");
    told.textContent = "Saving…";
    let answer;
    try {
      // To its end, because a person may leave the page meanwhile.
      answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), keepalive: true });
    } catch {
      told.textContent = "Not saved: the desk cannot be reached. Press the button to try again.";
      return;
    }
    const text = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) {
      const why = text.querySelector(".lead");
      told.textContent = "Not saved: " + (why ? why.textContent : "open the page again.");
      return;
    }
    // The next save has seen this act and no later one: what another editor does meanwhile is not in these fields.
    const done = Number(new URL(answer.url).searchParams.get("done"));
    for (const each of all("form").filter((other) => about(other) === about(form)))
      for (const field of all("[name=seen]", each)) field.value = String(Math.max(done, Number(field.value)));
    const saved = text.querySelector(".told");
    told.textContent = saved ? saved.querySelector("strong").textContent : "Saved";
    const old = document.querySelector("main > .told");
    if (saved && old) old.replaceWith(saved);
    else if (saved) document.querySelector(".edition-head").after(saved);
    for (const selector of ["#entries .entries", ".state", "#void", "#letter"]) {
      const [mine, theirs] = [document.querySelector(selector), text.querySelector(selector)];
      if (mine && theirs) mine.replaceWith(theirs);
    }
    choose(location.hash);
    arm();
    rove(first());
  };
  // One save at a time, because each must have seen the one before; a form that is sent by its button waits, too.
  let saves = Promise.resolve(), waiting = 0;
  const save = (form) => {
    waiting += 1;
    saves = saves.then(() => send(form)).finally(() => { waiting -= 1; });
  };
  // A form that is on its way is not sent again: the second press of a double click would be told as a stale form.
  const LONGEST_ANSWER = 10000; // milliseconds, more than the server takes
  const sent = new WeakMap();
  addEventListener("pageshow", (event) => { if (event.persisted) for (const form of document.forms) sent.delete(form); });
  addEventListener("submit", (event) => {
    if (!waiting) {
      if (Date.now() - (sent.get(event.target) || 0) < LONGEST_ANSWER) event.preventDefault();
      else if (event.target.method === "post") sent.set(event.target, Date.now());
      return;
    }
    event.preventDefault();
    const [form, button] = [event.target, event.submitter];
    saves.then(() => {
      const number = (of) => (of.querySelector("[name=number]") || {}).value;
      // The list may be a new one by now: then the form of the same entry is sent.
      const now = form.isConnected ? form
        : all("form").find((each) => each.action === form.action && number(each) === number(form));
      if (!now) return;
      if (button && button.value === "move") now.querySelector("[name=place]").value = form.querySelector("[name=place]").value;
      const pressed = button && all("button", now).find((each) => each.value === button.value && each.name === button.name);
      now.requestSubmit(pressed || null);
    });
  });
  for (const form of all("form[data-autosave]")) {
    const told = form.querySelector("[data-saved]");
    if (told) told.textContent = "Saved as you go.";
    form.addEventListener("change", (event) => {
      if (event.target.name && event.target.name.endsWith("_add")) { form.requestSubmit(); return; } // for its chip
      save(form);
    });
  }

  // What was typed into a form that is saved by its button alone is not lost by a link.
  let unsaved = false;
  addEventListener("input", (event) => { if (event.target.closest("form[data-guarded]")) unsaved = true; });
  addEventListener("submit", () => { unsaved = false; });
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });

  // Move an entry by dragging it to its place.
  function arm() {
    const list = document.querySelector("[data-sortable]");
    if (!list) return;
    let dragged = null;
    for (const row of all("li[draggable]", list)) {
      row.addEventListener("dragstart", () => { dragged = row; });
      row.addEventListener("dragend", () => { for (const each of all(".over", list)) each.classList.remove("over"); });
      row.addEventListener("dragover", (event) => { event.preventDefault(); row.classList.add("over"); });
      row.addEventListener("dragleave", () => row.classList.remove("over"));
      row.addEventListener("drop", (event) => {
        event.preventDefault();
        if (!dragged || dragged === row) return;
        const form = dragged.querySelector(".moves");
        form.querySelector("[name=place]").value = row.dataset.place;
        form.requestSubmit(form.querySelector("[value=move]"));
      });
    }
  }
  arm();

  // The list is one stop of the Tab key: the arrows go from entry to entry, and Tab through the controls of one.
  const titles = () => all("#entries .entries h3 a");
  function rove(title) {
    const here = title && title.closest("li");
    for (const row of all("#entries .entries > li"))
      for (const control of all("a, button, input:not([type=hidden])", row)) control.tabIndex = row === here ? 0 : -1;
  }
  const first = () => document.querySelector("#entries .entries li.open h3 a") || titles()[0];
  rove(first());
  for (const each of all("[data-script]")) each.hidden = false;
  addEventListener("focusin", (event) => {
    const row = event.target.closest && event.target.closest("#entries .entries > li");
    if (row) rove(row.querySelector("h3 a"));
  });
  addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    // From the title, or from the whole entry, to which an act leads back.
    const row = event.target.matches("#entries .entries > li") ? event.target.querySelector("h3 a") : event.target;
    const at = titles().indexOf(row);
    if (at < 0) return;
    const next = titles()[at + step];
    if (next) { event.preventDefault(); next.focus(); }
  });

  // Tell what came, and what others did, without moving anything.
  const news = document.querySelector("[data-news]");
  if (news) {
    const others = document.querySelector("[data-others]");
    const look = async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(news.dataset.news, { headers: { Accept: "application/json" } });
        if (!answer.ok) return;
        const told = await answer.json();
        news.hidden = !told.came;
        news.querySelector("[data-came-words]").textContent = told.came + " more came since this draft.";
        const mine = (document.querySelector(".who span") || {}).textContent;
        const theirs = told.acts.filter((act) => act.by !== mine);
        others.hidden = !theirs.length;
        if (theirs.length) others.textContent = theirs[0].sentence + ". Reload to see it.";
      } catch { /* the next look may reach the desk again */ }
    };
    setInterval(look, 15000);
  }
})();
