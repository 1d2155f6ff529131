// Keeps a page live: parts that have changed come as server-sent events and take the place of the old ones. Without it
// the page is whole, only as old as it is.
(function () {
  'use strict';
  var body = document.body;

  // An element of a text that this server made; nothing in it can run, by the policy of the page.
  function element(text) {
    var holder = document.createElement('template');
    holder.innerHTML = text;
    return holder.content.firstElementChild;
  }

  // What is open stays open, what has the focus keeps it.
  function replace(old, fresh) {
    var open = {}, focused = document.activeElement;
    old.classList.remove('fresh');
    var changed = old.className !== fresh.className;
    if (old.tagName === 'DETAILS' && (old.open || !changed)) { fresh.open = old.open; }
    old.querySelectorAll('details[id]').forEach(function (one) { open[one.id] = one.open; });
    fresh.querySelectorAll('details[id]').forEach(function (one) { if (one.id in open) { one.open = open[one.id]; } });
    var path = [];
    if (focused && old.contains(focused)) {
      for (var at = focused; at !== old; at = at.parentNode) { path.unshift(Array.prototype.indexOf.call(at.parentNode.children, at)); }
    }
    old.replaceWith(fresh);
    if (changed) {
      fresh.classList.add('fresh');
      // A group that is closed as all was well is so no longer.
      var fold = fresh.closest('details.fold');
      if (fold && fresh.matches('.s-degraded, .s-partial, .s-major')) { fold.open = true; }
    }
    if (focused && !document.contains(focused)) {
      var place = path.reduce(function (at, index) { return at && at.children[index]; }, fresh);
      if (place && place.focus) { place.focus({ preventScroll: true }); }
    }
  }

  function parts(event) {
    var all = JSON.parse(event.data);
    var missing = false;
    Object.keys(all).forEach(function (id) {
      var old = document.getElementById(id), fresh = element(all[id]);
      if (!old) { missing = true; return; }
      if (fresh) { replace(old, fresh); }
    });
    if (missing) { location.reload(); }
  }

  var notice = document.getElementById('live'), wait = 0;
  function lost(is) {
    clearTimeout(wait);
    if (!is) { notice.hidden = true; notice.textContent = ''; return; }
    // Not at every short gap.
    wait = setTimeout(function () { notice.textContent = body.dataset.lost; notice.hidden = false; }, 4000);
  }

  function listen() {
    var source = new EventSource(body.dataset.events);
    source.addEventListener('parts', parts);
    source.addEventListener('reload', function () { location.reload(); });
    source.onopen = function () { lost(false); };
    source.onerror = function () {
      lost(true);
      // A browser gives up after an answer that is none; the server may only be starting again.
      if (source.readyState === 2) { setTimeout(listen, 5000); }
    };
    window.addEventListener('pagehide', function () { source.close(); });
  }
  if (body.dataset.events && window.EventSource) { listen(); }

  // Tooltips of the days: with the pointer, by touch, and with the arrow keys.
  var tip = null, marked = null;
  function hide() {
    if (tip) { tip.remove(); tip = null; }
    if (marked) { marked.classList.remove('at'); marked = null; }
  }
  function show(bar) {
    hide();
    if (!bar.dataset.tip) {
      var title = bar.querySelector('title');
      bar.dataset.tip = title ? title.textContent : '';
      // Else the browser would show its own one over it.
      if (title) { title.remove(); }
    }
    var lines = bar.dataset.tip.split(' · ');
    tip = document.createElement('div');
    tip.className = 'tip';
    var first = document.createElement('b');
    first.textContent = lines.shift();
    tip.append(first, lines.join(' · '));
    body.append(tip);
    var box = bar.getBoundingClientRect(), own = tip.getBoundingClientRect();
    var left = Math.min(Math.max(box.left + box.width / 2 - own.width / 2, 6), document.documentElement.clientWidth - own.width - 6);
    tip.style.left = left + scrollX + 'px';
    tip.style.top = box.top - own.height - 8 + scrollY + 'px';
    marked = bar;
    bar.classList.add('at');
  }
  function barAt(event) {
    return event.target.closest ? event.target.closest('.bars rect') : null;
  }
  document.addEventListener('pointerover', function (event) {
    var bar = barAt(event);
    if (bar) { show(bar); } else if (marked) { hide(); }
  });
  document.addEventListener('keydown', function (event) {
    var svg = document.activeElement;
    if (event.key === 'Escape') { hide(); return; }
    if (!svg || !svg.matches || !svg.matches('.bars svg')) { return; }
    var step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) { return; }
    event.preventDefault();
    var all = Array.prototype.slice.call(svg.querySelectorAll('rect'));
    var at = all.indexOf(marked);
    at = at < 0 ? all.length - 1 : Math.min(Math.max(at + step, 0), all.length - 1);
    show(all[at]);
    svg.setAttribute('aria-description', all[at].dataset.tip);
  });
  document.addEventListener('focusout', hide);

  // A cell that a link leads to is opened.
  function aim() {
    var id = decodeURIComponent(location.hash.slice(1)), to = id && document.getElementById(id);
    if (to && to.tagName === 'DETAILS') { to.open = true; to.scrollIntoView({ block: 'start' }); }
  }
  window.addEventListener('hashchange', aim);
  aim();
}());
