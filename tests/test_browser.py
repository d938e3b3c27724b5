"""The report in a real browser: no console error, no request to any address, nothing wider than a phone."""

import re
import shutil
import subprocess

import pytest

from nmo_stats import analysis, report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
PROBE = """
<script>
addEventListener("load", () => {
  const all = document.querySelectorAll("body *");
  const free = [...all].filter(e => !e.closest(".scroll") && e.getBoundingClientRect().right > innerWidth + 1);
  const pictures = [...document.images];
  document.title = JSON.stringify({
    overflowing: free.map(e => e.tagName),
    undrawn: pictures.filter(i => !i.closest("details") && !(i.complete && i.naturalWidth > 0)).length,
    pictures: pictures.length,
    silent: pictures.filter(i => !i.alt).length,
    requested: performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:")),
  });
});
</script>
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def page(example_cohort, example_fit, tmp_path_factory):
    html = report.render_html(analysis.assemble(example_cohort, example_fit))
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(html.replace("</head>", PROBE + "</head>"), encoding="utf-8")
    return path


def browse(page, profile, *options):
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.parametrize("width", [1280, 500])
def test_the_page_is_complete_and_fits_the_window(page, tmp_path, width):
    dumped = browse(page, tmp_path, f"--window-size={width},2000", "--dump-dom").stdout
    title = re.search(r"<title>(.*?)</title>", dumped).group(1)
    assert '"overflowing":[]' in title, title
    assert '"undrawn":0,"pictures":7,"silent":0' in title, title
    assert '"requested":[]' in title, title


def test_the_console_is_silent_and_no_address_is_asked_for(page, tmp_path):
    log = tmp_path / "net.json"
    found = browse(page, tmp_path / "profile", "--enable-logging=stderr", f"--log-net-log={log}", "--dump-dom")
    assert ":CONSOLE" not in found.stderr
    asked = set(re.findall(r'"url":"(\w+://[^"]*)"', log.read_text(encoding="utf-8")))
    assert {url for url in asked if not url.startswith(("file:", "data:", "chrome"))} == set()
