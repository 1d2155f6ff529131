// Charts of series: drawn as SVG from /api/v1/series, kept going by server-sent events, with one range of time for all.
(function () {
  'use strict';
  var SVG = 'http://www.w3.org/2000/svg';
  var W = 520, H = 170, LEFT = 58, RIGHT = 8, TOP = 8, BOTTOM = 20;
  var box = document.querySelector('.charts');
  if (!box) { return; }
  var offset = Number(document.body.dataset.offset || 0) * 60;
  var words = { now: box.dataset.now || 'now', none: box.dataset.none || '–' };
  var range = { length: 3600, from: null, to: null };
  var charts = [], cursor = null;

  function make(name, attributes, parent) {
    var one = document.createElementNS(SVG, name);
    Object.keys(attributes || {}).forEach(function (key) { one.setAttribute(key, attributes[key]); });
    if (parent) { parent.appendChild(one); }
    return one;
  }

  // ---- Numbers and times for people --------------------------------------------------------------------------------
  function short(number) {
    var size = Math.abs(number);
    var text = size >= 99.95 ? number.toFixed(0) : size >= 9.995 ? number.toFixed(1) : number.toFixed(2);
    return text.indexOf('.') < 0 ? text : text.replace(/\.?0+$/, '');
  }
  function scaled(number, base, names) {
    var index = 0;
    while (Math.abs(number) >= base && index < names.length - 1) { number /= base; index += 1; }
    return short(number) + names[index];
  }
  function say(number, unit) {
    if (number === null || number === undefined || !isFinite(number)) { return '–'; }
    switch (unit) {
      case 'ratio': return short(number * 100) + '%';
      case 'bytes': return scaled(number, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']);
      case 'bytes/s': return scaled(number, 1024, [' B/s', ' KiB/s', ' MiB/s', ' GiB/s']);
      case '1/s': return scaled(number, 1000, ['/s', ' k/s', ' M/s', ' G/s']);
      case 's/s': return short(number) + ' s/s';
      case 's':
        if (number === 0) { return '0 s'; }
        if (Math.abs(number) < 1e-3) { return short(number * 1e6) + ' µs'; }
        if (Math.abs(number) < 1) { return short(number * 1e3) + ' ms'; }
        return Math.abs(number) < 120 ? short(number) + ' s' : short(number / 60) + ' min';
      default: return scaled(number, 1000, ['', ' k', ' M', ' G', ' T']);
    }
  }
  function two(number) { return (number < 10 ? '0' : '') + number; }
  function clock(seconds, span) {
    var date = new Date((seconds + offset) * 1000);
    var time = two(date.getUTCHours()) + ':' + two(date.getUTCMinutes());
    if (span <= 600) { time += ':' + two(date.getUTCSeconds()); }
    if (span > 2 * 86400) { return two(date.getUTCMonth() + 1) + '-' + two(date.getUTCDate()) + (span > 8 * 86400 ? '' : ' ' + time); }
    return time;
  }
  function nice(most, unit) {
    if (!(most > 0)) { return 1; }
    if (unit === 'ratio' && most > 0.5 && most <= 1) { return 1; }
    var base = unit === 'bytes' || unit === 'bytes/s' ? Math.pow(1024, Math.floor(Math.log(most) / Math.log(1024))) : 1;
    var scale = most / base, power = Math.pow(10, Math.floor(Math.log10(scale)));
    var steps = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];
    for (var i = 0; i < steps.length; i += 1) { if (scale <= steps[i] * power * 1.0001) { return steps[i] * power * base; } }
    return most;
  }
  function ticks(from, to) {
    var steps = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000];
    var step = steps.find(function (one) { return (to - from) / one <= 6; }) || 864000, list = [];
    for (var at = Math.ceil((from + offset) / step) * step - offset; at < to; at += step) { list.push(at); }
    return list;
  }

  // ---- One chart ----------------------------------------------------------------------------------------------------
  function Chart(figure) {
    this.figure = figure;
    this.plot = figure.querySelector('.plot');
    this.keys = JSON.parse(figure.dataset.keys);
    this.names = JSON.parse(figure.dataset.lines);
    this.unit = figure.dataset.unit;
    this.title = figure.querySelector('figcaption').textContent.trim();
    this.data = {};
    this.tail = {};
    this.off = {};
    this.visible = false;
    this.loaded = '';
    this.busy = false;
    this.stale = false;
  }
  Chart.prototype.window = function () {
    if (range.from !== null) { return [range.from, range.to]; }
    var now = Date.now() / 1000;
    return [now - range.length, now];
  };
  Chart.prototype.load = function (force) {
    var chart = this, window_ = this.window(), wanted = range.from + '/' + range.to + '/' + range.length;
    if (!force && this.loaded === wanted) { return; }
    this.loaded = wanted;
    var query = this.keys.map(function (key) { return 'name=' + encodeURIComponent(key); });
    query.push('from=' + Math.floor(window_[0]), 'to=' + Math.ceil(window_[1]), 'points=' + Math.max(120, Math.round(this.plot.clientWidth / 1.5)));
    fetch('/api/v1/series?' + query.join('&'), { credentials: 'same-origin' }).then(function (answer) {
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.json();
    }).then(function (answer) {
      // Meanwhile another range was asked for: its answer comes, or is there already.
      if (chart.loaded !== wanted) { return; }
      chart.data = {};
      chart.tail = {};
      answer.series.forEach(function (line) { chart.data[line.key] = line; });
      chart.draw();
    }).catch(function () { if (chart.loaded === wanted) { chart.loaded = ''; } });
  };
  // Points [time, mean, min, max] of a line, the newest ones at its end.
  Chart.prototype.points = function (key) {
    var line = this.data[key], list = [];
    if (line) {
      for (var i = 0; i < line.mean.length; i += 1) { list.push([line.start + i * line.step, line.mean[i], line.min[i], line.max[i]]); }
    }
    var last = line ? line.start + line.mean.length * line.step : 0;
    (this.tail[key] || []).forEach(function (point) { if (point[0] >= last) { list.push([point[0], point[1], point[1], point[1]]); } });
    return list;
  };
  Chart.prototype.draw = function () {
    // Whoever drags over it would lose it: it is drawn when they have let go.
    if (this.busy) { this.stale = true; return; }
    this.stale = false;
    var chart = this, window_ = this.window(), from = window_[0], to = window_[1], span = to - from;
    var shown = this.keys.filter(function (key) { return !chart.off[key]; });
    var all = {}, most = 0, least = 0, some = false;
    this.keys.forEach(function (key) { all[key] = chart.points(key); });
    var banded = shown.length <= 4;
    shown.forEach(function (key) {
      all[key].forEach(function (point) {
        if (point[1] === null || point[0] < from - 60 || point[0] > to + 60) { return; }
        some = true;
        most = Math.max(most, banded ? point[3] : point[1]);
        least = Math.min(least, banded ? point[2] : point[1]);
      });
    });
    var top = nice(most, this.unit), low = least < 0 ? -nice(-least, this.unit) : 0;
    var width = Math.max(this.plot.clientWidth, 220);
    var x = function (at) { return LEFT + (at - from) / span * (width - LEFT - RIGHT); };
    var y = function (value) { return TOP + (1 - (value - low) / (top - low)) * (H - TOP - BOTTOM); };
    this.x = x; this.from = from; this.to = to; this.width = width; this.all = all;
    var svg = make('svg', { viewBox: '0 0 ' + width + ' ' + H, role: 'img', tabindex: '0', 'aria-label': this.label(all) });
    for (var i = 0; i <= 4; i += 1) {
      var value = low + (top - low) * i / 4;
      make('line', { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value), 'class': 'rule' }, svg);
      make('text', { x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }, svg).textContent = say(value, this.unit);
    }
    var space = 0;
    ticks(from, to).forEach(function (at) {
      if (x(at) < space || x(at) > width - 18) { return; }
      space = x(at) + 74;
      make('text', { x: x(at), y: H - 5, 'text-anchor': 'middle' }, svg).textContent = clock(at, span);
    });
    var id = 'clip' + charts.indexOf(this);
    var clip = make('clipPath', { id: id }, svg);
    make('rect', { x: LEFT, y: 0, width: width - LEFT - RIGHT, height: H - BOTTOM + 1 }, clip);
    var group = make('g', { 'clip-path': 'url(#' + id + ')' }, svg);
    shown.forEach(function (key) {
      var index = chart.keys.indexOf(key), line = chart.data[key], step = line ? line.step : 1;
      if (banded && step > 1) { make('path', { d: band(all[key], x, y, step), 'class': 'band l' + index % 8 }, group); }
      make('path', { d: trace(all[key], x, y, step), 'class': 'trace l' + index % 8 + (index > 7 ? ' dashed' : '') }, group);
    });
    if (!some) { make('text', { x: (LEFT + width) / 2, y: H / 2, 'text-anchor': 'middle' }, svg).textContent = words.none; }
    this.at = make('line', { y1: TOP, y2: H - BOTTOM, 'class': 'at', visibility: 'hidden' }, svg);
    this.pick = make('rect', { y: TOP, height: H - TOP - BOTTOM, 'class': 'pick', visibility: 'hidden' }, svg);
    this.when = make('text', { y: TOP + 9, visibility: 'hidden' }, svg);
    this.listen(svg);
    var old = this.plot.querySelector('svg'), focused = old && old === document.activeElement;
    if (old) { old.replaceWith(svg); } else { this.plot.prepend(svg); }
    if (focused) { svg.focus({ preventScroll: true }); }
    this.svg = svg;
    this.legend();
  };
  Chart.prototype.label = function (all) {
    var chart = this, parts = this.keys.slice(0, 4).map(function (key, index) {
      var points = all[key], last = points.length ? points[points.length - 1][1] : null;
      return (chart.names[index] || chart.title) + ' ' + say(last, chart.unit);
    });
    return this.title + ': ' + parts.join(', ');
  };
  function trace(points, x, y, step) {
    var text = '', before = null;
    points.forEach(function (point) {
      if (point[1] === null) { before = null; return; }
      var gap = before === null || point[0] - before > Math.max(step * 2.5, 15);
      text += (gap ? 'M' : 'L') + x(point[0]).toFixed(1) + ' ' + y(point[1]).toFixed(1);
      before = point[0];
    });
    return text || 'M0 0';
  }
  function band(points, x, y, step) {
    var text = '', run = [];
    function flush() {
      if (run.length > 1) {
        text += 'M' + run.map(function (point) { return x(point[0]).toFixed(1) + ' ' + y(point[3]).toFixed(1); }).join('L') +
          'L' + run.reverse().map(function (point) { return x(point[0]).toFixed(1) + ' ' + y(point[2]).toFixed(1); }).join('L') + 'Z';
      }
      run = [];
    }
    points.forEach(function (point) {
      if (point[1] === null || (run.length && point[0] - run[run.length - 1][0] > Math.max(step * 2.5, 15))) { flush(); }
      if (point[1] !== null) { run.push(point); }
    });
    flush();
    return text || 'M0 0';
  }
  Chart.prototype.value = function (key, at) {
    var best = null, near = Infinity, line = this.data[key], most = Math.max(15, (line ? line.step : 1) * 1.5);
    (this.all[key] || []).forEach(function (point) {
      var away = Math.abs(point[0] - at);
      if (point[1] !== null && away < near && away <= most) { near = away; best = point[1]; }
    });
    return best;
  };
  Chart.prototype.legend = function () {
    var chart = this, list = this.plot.querySelector('ul');
    if (!list) {
      list = document.createElement('ul');
      this.keys.forEach(function (key, index) {
        var item = document.createElement('li'), sign = document.createElement('i'), value = document.createElement('b');
        sign.className = 'l' + index % 8;
        item.className = 'l' + index % 8;
        item.append(sign, chart.names[index] || '', value);
        item.addEventListener('click', function () {
          chart.off[key] = !chart.off[key];
          item.classList.toggle('off', Boolean(chart.off[key]));
          chart.draw();
        });
        list.append(item);
      });
      this.plot.append(list);
    }
    var at = cursor === null ? null : cursor;
    this.keys.forEach(function (key, index) {
      var points = chart.all[key] || [], last = null;
      for (var i = points.length - 1; i >= 0 && last === null; i -= 1) { last = points[i][1]; }
      list.children[index].querySelector('b').textContent = say(at === null ? last : chart.value(key, at), chart.unit);
    });
  };
  Chart.prototype.mark = function () {
    if (!this.svg) { return; }
    var hidden = cursor === null || cursor < this.from || cursor > this.to;
    [this.at, this.when].forEach(function (one) { one.setAttribute('visibility', hidden ? 'hidden' : 'visible'); });
    if (!hidden) {
      var place = this.x(cursor), right = place > this.width - 130;
      this.at.setAttribute('x1', place); this.at.setAttribute('x2', place);
      this.when.setAttribute('x', place + (right ? -5 : 5));
      this.when.setAttribute('text-anchor', right ? 'end' : 'start');
      this.when.textContent = clock(cursor, 60).slice(0, 8) + (this.to - this.from > 86400 ? ' ' + clock(cursor, 9 * 86400) : '');
    }
    this.legend();
  };
  Chart.prototype.listen = function (svg) {
    var chart = this, start = null;
    function time(event) {
      var place = (event.clientX - svg.getBoundingClientRect().left) / svg.getBoundingClientRect().width * chart.width;
      var share = (place - LEFT) / (chart.width - LEFT - RIGHT);
      return chart.from + Math.min(Math.max(share, 0), 1) * (chart.to - chart.from);
    }
    svg.addEventListener('pointermove', function (event) {
      point(time(event));
      if (start !== null) {
        var low = Math.min(start, cursor), high = Math.max(start, cursor);
        chart.pick.setAttribute('x', chart.x(low));
        chart.pick.setAttribute('width', chart.x(high) - chart.x(low));
        chart.pick.setAttribute('visibility', 'visible');
      }
    });
    svg.addEventListener('pointerdown', function (event) {
      if (event.button === 0 && event.pointerType !== 'touch') { start = time(event); chart.busy = true; svg.setPointerCapture(event.pointerId); }
    });
    function end() {
      start = null;
      chart.busy = false;
      if (chart.stale) { chart.draw(); }
    }
    svg.addEventListener('pointercancel', end);
    svg.addEventListener('pointerup', function (event) {
      var from = start, to = time(event), length = chart.to - chart.from;
      end();
      if (from !== null && Math.abs(to - from) > Math.max(5, length / 100)) { zoom(Math.min(from, to), Math.max(from, to)); }
      else { chart.pick.setAttribute('visibility', 'hidden'); }
    });
    svg.addEventListener('pointerleave', function () { point(null); });
    svg.addEventListener('dblclick', function () { zoom(null, null); });
    svg.addEventListener('keydown', function (event) {
      var step = (chart.to - chart.from) / 100, move = { ArrowLeft: -step, ArrowRight: step }[event.key];
      if (move) { event.preventDefault(); point((cursor === null ? chart.to : cursor) + move); }
      if (event.key === 'Escape') { point(null); zoom(null, null); }
    });
  };

  function point(at) {
    cursor = at;
    charts.forEach(function (chart) { if (chart.visible) { chart.mark(); } });
  }

  // ---- One range for all --------------------------------------------------------------------------------------------
  var unzoom = document.getElementById('unzoom');
  function zoom(from, to) {
    range.from = from === null ? null : Math.floor(from);
    range.to = to === null ? null : Math.ceil(to);
    if (unzoom) { unzoom.hidden = from === null; }
    refresh(false);
  }
  function refresh(force) {
    charts.forEach(function (chart) { if (chart.visible && !chart.busy) { chart.load(force); } });
  }
  document.querySelectorAll('[data-range]').forEach(function (button) {
    button.addEventListener('click', function () {
      document.querySelectorAll('[data-range]').forEach(function (one) { one.setAttribute('aria-pressed', String(one === button)); });
      range.length = Number(button.dataset.range);
      zoom(null, null);
    });
  });
  if (unzoom) { unzoom.addEventListener('click', function () { zoom(null, null); }); }

  // ---- New points ---------------------------------------------------------------------------------------------------
  var source = null, following = '';
  function follow() {
    var keys = [];
    charts.forEach(function (chart) { if (chart.visible) { keys = keys.concat(chart.keys); } });
    keys = keys.slice(0, 40);
    var query = keys.map(function (key) { return 'name=' + encodeURIComponent(key); }).join('&');
    if (query === following || query.length > 12000) { return; }
    if (source) { source.close(); source = null; }
    following = query;
    if (!query) { return; }
    source = new EventSource('/api/v1/ticks?' + query);
    source.addEventListener('ticks', function (event) {
      var news = JSON.parse(event.data);
      charts.forEach(function (chart) {
        var mine = false;
        chart.keys.forEach(function (key) {
          if (!news[key]) { return; }
          mine = true;
          var tail = chart.tail[key] || (chart.tail[key] = []);
          news[key].forEach(function (one) { if (!tail.length || one[0] > tail[tail.length - 1][0]) { tail.push(one); } });
          if (tail.length > 400) { tail.splice(0, tail.length - 400); }
        });
        if (mine && chart.visible && chart.svg && range.from === null && range.length <= 21600 && cursor === null && !chart.busy) { chart.draw(); }
      });
    });
  }
  window.addEventListener('pagehide', function () { if (source) { source.close(); } });
  setInterval(function () { if (range.from === null && !document.hidden) { refresh(true); } }, 60000);

  var later = 0;
  var seen = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      var chart = charts.find(function (one) { return one.figure === entry.target; });
      chart.visible = entry.isIntersecting;
      if (chart.visible) { chart.load(false); }
    });
    clearTimeout(later);
    later = setTimeout(follow, 400);
  }, { rootMargin: '200px' });
  document.querySelectorAll('figure.chart').forEach(function (figure) {
    var chart = new Chart(figure);
    charts.push(chart);
    seen.observe(figure);
  });
  var resized = 0;
  window.addEventListener('resize', function () {
    clearTimeout(resized);
    resized = setTimeout(function () { charts.forEach(function (chart) { if (chart.visible && chart.svg) { chart.draw(); } }); }, 150);
  });
}());
