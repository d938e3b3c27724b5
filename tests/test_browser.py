"""The report in a real browser: no console error, no request to any address, nothing wider than a phone."""

import re
import shutil
import subprocess

import pytest

from nmo_stats import analysis, report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
PROBE = """
<script>
addEventListener("load", () => {
  const all = document.querySelectorAll("body *");
  const free = [...all].filter(e => !e.closest(".scroll") &&
    e.getBoundingClientRect().right > innerWidth + 1);
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
def html(example_cohort, example_fit):
    return report.render_html(analysis.assemble(example_cohort, example_fit))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


def written(folder, name, html):
    path = folder / name
    path.write_text(html, encoding="utf-8")
    return path


def browse(page, profile, *options):
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.mark.parametrize("width", [1280, 500])
def test_the_page_is_complete_and_fits_the_window(html, folder, tmp_path, width):
    probed = html.replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'").replace(
        "</head>", PROBE + "</head>"
    )
    page = written(folder, "probed.html", probed)
    dumped = browse(page, tmp_path, f"--window-size={width},2000", "--dump-dom").stdout
    title = re.search(r"<title>(.*?)</title>", dumped).group(1)
    assert '"overflowing":[]' in title, title
    assert '"undrawn":0,"pictures":10,"silent":0' in title, title
    assert '"requested":[]' in title, title


def test_the_console_is_silent(html, folder, tmp_path):
    found = browse(written(folder, "index.html", html), tmp_path, "--enable-logging=stderr", "--dump-dom")
    assert ":CONSOLE" not in found.stderr


def test_the_page_may_ask_no_address(html, folder, tmp_path):
    """The page's own policy stops every request: a picture from elsewhere is refused on the console."""
    broken = html.replace("</main>", '<img src="http://localhost:9/x.png" alt="x"></main>')
    found = browse(written(folder, "broken.html", broken), tmp_path, "--enable-logging=stderr", "--dump-dom")
    assert ":CONSOLE" in found.stderr
    assert "Content Security Policy" in found.stderr
