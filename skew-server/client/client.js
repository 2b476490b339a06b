// <script src="/__skew/client.js" data-build="ID" async></script>
// or <meta name="skew-build" content="ID">; see README
(() => {
  const script = document.currentScript;
  const data = script ? script.dataset : {};
  const meta = document.querySelector('meta[name="skew-build"]');
  const build = data.build || (meta && meta.content) || '';
  const base = data.base || (script && script.src ? new URL('.', script.src).href.slice(0, -1) : '/__skew');
  const cookie = data.cookie || '__nkpv';
  const bot = /bot|crawl|spider|slurp|headless|lighthouse|preview/i;
  if (window.__skew || !window.EventSource || bot.test(navigator.userAgent)) return;
  window.__skew = 1;

  let source, id, retry, silence;
  let tries = 1;
  let told; // what the server knows

  const emit = (name, detail) => dispatchEvent(new CustomEvent(name, { detail, cancelable: true }));

  const tell = () => {
    const route = location.pathname;
    if (!id || route === told) return;
    told = route;
    fetch(base + '/route', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ connectionId: id, route }),
      keepalive: true,
    }).catch(() => (told = 0));
  };

  const close = () => {
    clearTimeout(retry);
    clearTimeout(silence);
    if (source) source.close();
    source = id = undefined;
  };

  // Jitter spreads the tabs out.
  const again = () => {
    close();
    retry = setTimeout(open, Math.min(60, 2 ** tries++) * (500 + 1000 * Math.random()));
  };

  // Keepalives come every 30 s.
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(again, 75000);
  };

  const receive = ({ data: text }) => {
    heard();
    let message;
    try { message = JSON.parse(text); } catch (_) { return; }
    const { type, version, force } = message || {};
    if (type === 'connected') {
      id = message.connectionId;
      tries = 1;
    }
    tell();
    if (type === 'connected' || type === 'version') {
      const outdated = !!build && version !== build;
      const ok = emit('skew:version', { version, build, outdated, force: !!force });
      if (force && ok) setTimeout(() => location.reload(), 1000 * Math.random());
    } else if (type !== 'keepalive') {
      emit('skew:message', message);
    }
  };

  const open = () => {
    close();
    if (build) document.cookie = cookie + '=' + encodeURIComponent(build) + ';path=/;samesite=lax';
    told = location.pathname;
    source = new EventSource(base + '/sse?route=' + encodeURIComponent(told));
    source.onmessage = receive;
    source.onerror = again;
    heard();
  };

  for (const name of ['pushState', 'replaceState']) {
    const native = history[name];
    history[name] = function () {
      const result = native.apply(this, arguments);
      tell();
      return result;
    };
  }
  addEventListener('popstate', tell);
  addEventListener('pagehide', close);
  addEventListener('pageshow', (event) => event.persisted && open());
  open();
})();
