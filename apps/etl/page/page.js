// Builds the page of the data that stands in it. What comes from a log is only ever put in as text, never as HTML.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const root = document.getElementById('page');
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const el = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== undefined) node.setAttribute(name, value);
    for (const child of children) if (child !== undefined && child !== null) node.append(child);
    return node;
  };

  const whole = new Intl.NumberFormat('en');
  const count = n => whole.format(n);
  const few = (n, digits) => n.toLocaleString('en', {maximumFractionDigits: digits, minimumFractionDigits: 0});
  const scaled = (n, base, units) => {
    let i = 0;
    while (Math.abs(n) >= base && i + 1 < units.length) { n /= base; ++i; }
    return few(n, n < 10 && i > 0 ? 1 : 0) + units[i];
  };
  const short = n => scaled(n, 1000, ['', 'k', 'M', 'G', 'T']);
  const bytes = n => scaled(n, 1000, [' B', ' kB', ' MB', ' GB', ' TB', ' PB']);
  const share = (part, all) => all ? few(100 * part / all, part / all < 0.1 ? 2 : 1) + ' %' : '–';
  const time = us => us === null || us === undefined ? '–'
    : us < 1000 ? us + ' µs' : us < 1e6 ? few(us / 1000, us < 1e4 ? 1 : 0) + ' ms'
    : us < 60e6 ? few(us / 1e6, us < 1e7 ? 2 : 1) + ' s' : pause(us / 1e6);
  const pause = s => s < 60 ? Math.round(s) + ' s' : s < 3600 ? few(s / 60, 1) + ' min' : s < 86400 ? few(s / 3600, 1) + ' h' : few(s / 86400, 1) + ' d';
  const date = s => new Date(s * 1000).toISOString().replace('T', ' ').replace(/:\d\d\.\d+Z$/, ' UTC');

  const section = (title, note, ...children) =>
    el('section', {}, el('h2', {}, title, note ? el('small', {}, '  ' + note) : null), ...children);

  // rows: arrays; columns: [title, how it is shown]. The bar behind a row is its share of the greatest `weight`.
  const table = (id, columns, rows, weight, tag) => {
    const most = rows.reduce((m, row) => Math.max(m, row[weight]), 0);
    const head = el('tr', {}, ...columns.map(([title]) => el('th', {}, title)));
    const body = rows.map(row => {
      const cells = columns.map(([, show], i) => el('td', {}, show(row[i], row)));
      const part = most ? 100 * row[weight] / most : 0;
      cells[0].style.background = `linear-gradient(90deg, var(--bar) ${part}%, transparent ${part}%)`;
      const extra = tag && tag(row);
      if (extra) cells[0].append(el('span', {class: 'tag'}, extra));
      return el('tr', {'data-key': String(row[0]), 'data-value': row[weight]}, ...cells);
    });
    if (!rows.length) return el('p', {class: 'quiet', id}, 'none');
    return el('div', {class: 'table', id}, el('table', {}, el('thead', {}, head), el('tbody', {}, ...body)));
  };
  const text = value => String(value);

  const header = () => {
    const t = data.totals;
    const span = t.requests ? `${date(data.from)} – ${date(data.to)}` : 'no requests';
    root.append(el('header', {}, el('h1', {}, data.title), el('p', {}, `${span} · ${count(data.files)} log${data.files === 1 ? '' : 's'} · page made ${date(data.made)}`)));
    if (t.invalid) {
      const list = data.invalid.slice(0, 3).map(([reason, lines, file, line]) =>
        el('li', {'data-key': reason, 'data-value': lines}, `${count(lines)} × ${reason} `, el('span', {class: 'quiet'}, `first in ${file}, line ${count(line)}`)));
      root.append(el('div', {class: 'warning', id: 'invalid'},
        el('b', {'data-figure': 'invalid', 'data-value': t.invalid}, count(t.invalid)), ` of ${count(t.lines)} lines (${share(t.invalid, t.lines)}) could not be read and are set aside.`,
        el('ul', {}, ...list)));
    }
    if (data.problems.length)
      root.append(el('div', {class: 'warning', id: 'problems'}, 'Logs that could not be read to their end:',
        el('ul', {}, ...data.problems.map(([name, problem]) => el('li', {}, `${name}: ${problem}`)))));
  };

  const figures = () => {
    const t = data.totals, s = data.sessions, errors = t.client_errors + t.server_errors;
    const one = (name, title, value, shown, note) =>
      el('div', {}, el('span', {}, title), el('b', {'data-figure': name, 'data-value': value}, shown), note ? el('span', {}, note) : null);
    const all = [
      one('requests', 'Requests', t.requests, count(t.requests), `${share(t.robots, t.requests)} by robots`),
      one('errors', 'Errors', errors, count(errors), `${share(errors, t.requests)}, ${count(t.server_errors)} of the server`),
      one('views', 'Page views of people', t.views, count(t.views)),
      one('bytes', 'Sent', t.bytes, bytes(t.bytes)),
      one('sessions', 'Visits of people', s.people, count(s.people), `${count(s.robots)} of hidden robots`),
    ];
    if (t.timed) all.push(
      one('p50_us', 'Half answered within', t.p50, time(t.p50)),
      one('p90_us', '90 % within', t.p90, time(t.p90)),
      one('p99_us', '99 % within', t.p99, time(t.p99)));
    root.append(el('div', {class: 'figures'}, ...all));
  };

  const clock = (t, step) => {
    const [day, time] = new Date(t * 1000).toISOString().split('T');
    return step >= 86400 ? day : time.startsWith('00:00') ? day.slice(5) : time.slice(0, 5);
  };

  // Charts are drawn anew when the colours change.
  const charts = [];
  const chart = (id, title, note, series, show, log) => {
    const place = el('div', {class: 'chart', id});
    root.append(section(title, note, place));
    charts.push(() => {
      place.replaceChildren();
      const axis = {stroke: css('--quiet'), grid: {stroke: css('--grid'), width: 1}, ticks: {stroke: css('--grid'), width: 1}};
      const options = {
        width: Math.max(280, place.clientWidth), height: 240,
        tzDate: ts => uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC'),
        cursor: {sync: {key: 'time'}, points: {size: 6}},
        scales: {y: log ? {distr: 3} : {range: (u, low, high) => [0, high > 0 ? high * 1.05 : 1]}},
        axes: [{...axis, values: (u, ticks, index, space, step) => ticks.map(t => clock(t, step))}, {...axis, size: 70, values: (u, ticks) => ticks.map(v => v === null ? '' : show(v))}],
        series: [{label: 'Time (UTC)', value: '{YYYY}-{MM}-{DD} {HH}:{mm}'},
          ...series.map(([label, colour, , fill]) => ({
            label, stroke: css(colour), width: 1.5, fill: fill ? css(colour) + '22' : undefined, points: {show: data.series.t.length < 3},
            value: (u, v) => v === null ? '–' : show(v)}))],
      };
      return new uPlot(options, [data.series.t, ...series.map(([, , values]) => values)], place);
    });
  };
  const drawCharts = () => {
    for (const c of charts) { if (c.drawn) c.drawn.destroy(); c.drawn = c(); }
  };

  const showCharts = () => {
    const s = data.series, per = `per ${pause(data.step).replace(/^1 /, '')}`;
    if (!s.t.length) return;
    chart('chart-requests', 'Requests', per, [['all', '--blue', s.requests, true], ['robots', '--violet', s.robots]], short);
    chart('chart-errors', 'Errors', per, [['of clients (4xx)', '--amber', s.client_errors, true], ['of the server (5xx)', '--red', s.server_errors, true]], short);
    if (data.totals.timed)
      chart('chart-durations', 'Time to answer', `${per}, logarithmic`, [['p50', '--teal', s.p50], ['p90', '--amber', s.p90], ['p99', '--red', s.p99]], time, true);
    chart('chart-bytes', 'Bytes sent', per, [['bytes', '--teal', s.bytes, true]], bytes);
    drawCharts();
    let width = root.clientWidth;
    new ResizeObserver(() => {
      if (root.clientWidth === width) return;
      width = root.clientWidth;
      for (const c of charts) c.drawn.setSize({width: Math.max(280, c.drawn.root.parentNode.clientWidth), height: 240});
    }).observe(root);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawCharts);
  };

  const bound = list => data.bounds[list] ? `each at most ${count(data.bounds[list])} too high` : '';
  const tables = () => {
    const t = data.totals, s = data.sessions;
    const pair = (...two) => root.append(el('div', {class: 'pair'}, ...two));
    pair(
      section('Pages', 'most looked at by people ' + bound('pages'), table('pages',
        [['path', text], ['views', count], ['share', (v, row) => share(row[1], t.views)], ['bytes', (v, row) => bytes(row[2])]], data.pages, 1)),
      section('Slowest paths', 'by the sum of all times', table('slow',
        [['path', text], ['sum', time], ['requests', count], ['mean', (v, row) => time(Math.round(row[1] / row[2]))], ['longest', (v, row) => time(row[3])]], data.slow, 1)));
    pair(
      section('Errors', 'paths with the most ' + bound('error_paths'), table('errors',
        [['path', text], ['errors', count], ['of the server', count]], data.errors, 1)),
      section('Status codes', '', table('statuses',
        [['status', v => v ? text(v) : 'none'], ['requests', count], ['share', (v, row) => share(row[1], t.requests)], ['bytes', (v, row) => bytes(row[2])]], data.statuses, 1)));
    pair(
      section('Visits', `${few(s.pages_per_visit, 1)} pages on average, half of them shorter than ${pause(s.median_seconds)}`, table('lengths',
        [['length', text], ['visits', count], ['share', (v, row) => share(row[1], s.people)]], s.lengths, 1)),
      section('Agents', bound('agents'), table('agents',
        [['agent', text], ['requests', count], ['share', (v, row) => share(row[1], t.requests)], ['bytes', (v, row) => bytes(row[2])]], data.agents, 1, row => row[3] ? 'robot' : '')));
    pair(
      section('Entries', 'where visits begin', table('entries', [['path', text], ['visits', count], ['share', (v, row) => share(row[1], s.people)]], s.entries, 1)),
      section('Exits', 'where they end', table('exits', [['path', text], ['visits', count], ['share', (v, row) => share(row[1], s.people)]], s.exits, 1)));
    root.append(section('Referrers', 'of page views ' + bound('referrers'), table('referrers', [['referrer', text], ['views', count], ['share', (v, row) => share(row[1], t.views)]], data.referrers, 1)));
  };

  header();
  figures();
  showCharts();
  tables();
  root.append(el('footer', {}, 'Made by procx-etl. Percentiles are exact to 0.8 %. Times are in UTC. A visit ends after half an hour without a request.'));
  document.documentElement.dataset.ready = 'yes';
})();
