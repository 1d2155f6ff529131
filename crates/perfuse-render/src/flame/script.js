(function () {
  'use strict';
  var SVG = 'http://www.w3.org/2000/svg', XHTML = 'http://www.w3.org/1999/xhtml';
  var root = document.currentScript ? document.currentScript.ownerSVGElement : document.documentElement;
  var one = function (id) { return root.querySelector('#' + id); };
  var frame = one('bars'), details = one('details'), matched = one('matched'), reset = one('reset');
  var words = root.dataset, column = Number(words.column), gap = 3;
  var bars = [], byGroup = new Map(), width = 0, zoomed = 0, pattern = '', wait = 0;

  // Bars from left to right on each level; the parent of a bar is the one of the level before that holds its middle.
  function read() {
    var below = [];
    Array.prototype.forEach.call(frame.children, function (row) {
      var here = [], at = 0;
      Array.prototype.forEach.call(row.children, function (group) {
        var rect = group.querySelector('rect'), lines = group.querySelector('title').textContent.split('\n');
        var bar = {
          group: group, rect: rect, text: group.querySelector('text'), lines: lines, index: bars.length,
          x: parseFloat(rect.getAttribute('x')), w: parseFloat(rect.getAttribute('width')), parent: null
        };
        var middle = bar.x + bar.w / 2;
        while (at < below.length - 1 && below[at].x + below[at].w < middle) { at += 1; }
        bar.parent = below[at] || null;
        bar.left = bar.x;
        bar.size = bar.w;
        group.classList.add('on');
        bars.push(bar);
        byGroup.set(group, bar);
        here.push(bar);
      });
      below = here;
    });
  }

  function columns(text) {
    var sum = 0;
    for (var letter of text) { sum += letter.codePointAt(0) >= 0x1100 ? 2 : 1; }
    return sum;
  }

  function cut(text, room) {
    if (columns(text) <= room) { return text; }
    var out = '', used = 0;
    for (var letter of text) {
      used += letter.codePointAt(0) >= 0x1100 ? 2 : 1;
      if (used > room - 1) { break; }
      out += letter;
    }
    return out + '…';
  }

  function label(bar) {
    var room = Math.floor((bar.size / 100 * width - 2 * gap) / column);
    var text = room < 3 ? '' : cut(bar.lines[0], room);
    if (!text && !bar.text) { return; }
    if (!bar.text) {
      bar.text = document.createElementNS(SVG, 'text');
      bar.text.setAttribute('dx', gap);
      bar.text.setAttribute('y', words.base);
      bar.group.appendChild(bar.text);
    }
    bar.text.setAttribute('x', bar.left + '%');
    if (bar.text.textContent !== text) { bar.text.textContent = text; }
  }

  function place(bar, left, size, state) {
    bar.left = left;
    bar.size = size;
    bar.state = state;
    bar.group.classList.toggle('out', state === 'out');
    bar.group.classList.toggle('up', state === 'up');
    if (state === 'out') { return; }
    bar.rect.setAttribute('x', left + '%');
    bar.rect.setAttribute('width', size + '%');
    label(bar);
  }

  function zoom(index) {
    var target = bars[index] || bars[0], up = new Set();
    if (!target) { return; }
    zoomed = target.index;
    for (var at = target.parent; at; at = at.parent) { up.add(at); }
    bars.forEach(function (bar) {
      if (up.has(bar)) {
        place(bar, 0, 100, 'up');
      } else if (bar === target || (bar.parent && bar.parent.state === 'in')) {
        place(bar, (bar.x - target.x) / target.w * 100, bar.w / target.w * 100, 'in');
      } else {
        place(bar, 0, 0, 'out');
      }
    });
    reset.style.display = zoomed ? '' : 'none';
    count();
    remember();
  }

  // A pattern without capital letters finds both; one that is no regular expression is taken as it is.
  function compile(text) {
    var flags = text === text.toLowerCase() ? 'i' : '';
    try {
      return new RegExp(text, flags);
    } catch (error) {
      return null;
    }
  }

  function search(text) {
    var expression = text ? compile(text) : null;
    pattern = text;
    input.classList.toggle('bad', Boolean(text) && !expression);
    if (text && !expression) { expression = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i'); }
    bars.forEach(function (bar) {
      bar.hit = Boolean(expression) && bar.index > 0 && (expression.test(bar.lines[0]) || expression.test(bar.lines[1]));
      bar.group.classList.toggle('hit', bar.hit);
    });
    count();
    remember();
  }

  // Bars above a bar that matched are part of it: nothing counts twice.
  function count() {
    var sum = 0;
    bars.forEach(function (bar) {
      bar.counted = Boolean(bar.parent && bar.parent.counted) || bar.hit;
      if (bar.state !== 'out' && bar.hit && !(bar.parent && bar.parent.counted)) { sum += bar.size; }
    });
    matched.textContent = pattern ? words.matched + ' ' + Math.min(sum, 100).toFixed(2) + '%' : '';
  }

  function remember() {
    var parts = [];
    if (zoomed) { parts.push('zoom=' + zoomed); }
    if (pattern) { parts.push('search=' + encodeURIComponent(pattern)); }
    try {
      history.replaceState(null, '', parts.length ? '#' + parts.join('&') : location.pathname + location.search);
    } catch (error) {
      // A picture inside of another page may have no address of its own.
    }
  }

  function recall() {
    var found = {};
    location.hash.slice(1).split('&').forEach(function (part) {
      var at = part.indexOf('=');
      try {
        if (at > 0) { found[part.slice(0, at)] = decodeURIComponent(part.slice(at + 1)); }
      } catch (error) {
        // Not made by this picture.
      }
    });
    zoom(Number(found.zoom) || 0);
    if (found.search) {
      input.value = found.search;
      search(found.search);
    }
  }

  function resize() {
    var whole = Number(words.width);
    if (words.fluid) {
      // Inside a frame that is not laid out yet there is no width; it comes with a later call.
      whole = (root === document.documentElement ? window.innerWidth : root.getBoundingClientRect().width) || whole;
      root.removeAttribute('viewBox');
      root.setAttribute('width', whole);
    }
    width = Math.max(whole - 20, 100);
    frame.setAttribute('width', width);
    bars.forEach(function (bar) { if (bar.state !== 'out') { label(bar); } });
  }

  var holder = document.createElementNS(SVG, 'foreignObject'), input = document.createElementNS(XHTML, 'input');
  holder.setAttribute('x', 10);
  holder.setAttribute('y', 8);
  holder.setAttribute('width', 260);
  holder.setAttribute('height', 26);
  input.setAttribute('type', 'search');
  input.setAttribute('placeholder', words.hint);
  input.setAttribute('aria-label', words.search);
  holder.appendChild(input);
  root.appendChild(holder);

  function barOf(event) {
    var group = event.target.closest ? event.target.closest('g.on') : null;
    return byGroup.get(group) || null;
  }

  frame.addEventListener('click', function (event) {
    var bar = barOf(event);
    if (bar) { zoom(bar.index); }
  });
  frame.addEventListener('mouseover', function (event) {
    var bar = barOf(event);
    details.textContent = bar ? bar.lines.filter(Boolean).join(' · ') : '';
  });
  frame.addEventListener('mouseleave', function () { details.textContent = ''; });
  reset.addEventListener('click', function () { zoom(0); });
  input.addEventListener('input', function () {
    clearTimeout(wait);
    wait = setTimeout(function () { search(input.value); }, 120);
  });
  window.addEventListener('resize', resize);
  window.addEventListener('load', resize);
  window.addEventListener('keydown', function (event) {
    var find = event.key === '/' || (event.key === 'f' && (event.ctrlKey || event.metaKey));
    if (find && document.activeElement !== input) {
      event.preventDefault();
      input.focus();
      input.select();
    } else if (event.key === 'Escape') {
      clearTimeout(wait);
      if (pattern || input.value) {
        input.value = '';
        search('');
        input.blur();
      } else {
        zoom(0);
      }
    }
  });

  read();
  resize();
  recall();
}());
