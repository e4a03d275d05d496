import json
import shutil

import pytest
from PIL import Image
from store_samples import SOUND, copy_of_sound
from typer.testing import CliRunner

from aisle.cli.store import app

run = CliRunner().invoke


def test_check_of_a_sound_store_ends_with_0():
    result = run(app, ["check", str(SOUND)])
    assert result.exit_code == 0
    assert "0 errors, 0 warnings" in result.output


def test_check_of_a_broken_store_says_where_and_ends_with_1(tmp_path):
    shop = copy_of_sound(tmp_path)
    (shop / "planogram.csv").unlink()
    result = run(app, ["check", str(shop)])
    assert result.exit_code == 1
    assert f"{shop}/planogram.csv: error:" in result.output
    result = run(app, ["check", str(shop), "--json"])
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert found["usable"] is False
    assert found["problems"][0]["rule"] == "missing-file"


def test_check_refuses_what_the_nodes_refuse(tmp_path):
    shop = copy_of_sound(tmp_path)
    rig = shop / "rig.yaml"
    rig.write_text(rig.read_text().replace("width: 1280", "width: 12800"))
    result = run(app, ["check", str(shop)])
    assert result.exit_code == 1
    assert "[beyond-limits]" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("old", "new", "trouble"),
    [
        ("baud: 9600", "bauds: 9600", "parameter 'bauds' does not exist"),
        ("baud: 9600", "baud: 96.5", "parameter 'baud' must be"),
        ("serial/by-id/usb-Maker_Scale_0001", "ttyUSB0", "'port' must be a stable path"),
        ("port: /dev/serial/by-id/usb-Maker_Scale_0001, ", "", "source serial needs 'port'"),
        ("cam1: {", "cam1: {driver: {loop: true}, ", "source device needs 'device'"),
        ("baud: 9600", "store: elsewhere", "'store' follows from rig.yaml"),
        ("baud: 9600", "source: simulator", "must be of a device in a rig"),
        ("Scale_0001", "Scale_0002", "'port' is that of left, too"),
        ("entry: {", "entry: {driver: {path: /dev/ttyUSB0}, ", "'path' must be a stable path"),
    ],
)
def test_check_refuses_driver_settings_that_a_node_would_refuse(tmp_path, old, new, trouble):
    shop = copy_of_sound(tmp_path)
    rig = shop / "rig.yaml"
    text = rig.read_text()
    assert old in text
    rig.write_text(text.replace(old, new))
    result = run(app, ["check", str(shop), "--json"])
    found = json.loads(result.output)["problems"]
    assert result.exit_code == 1
    assert [problem["rule"] for problem in found][:1] == ["driver"]
    assert trouble in found[0]["message"]
    assert rig.read_text().splitlines()[found[0]["line"] - 1].strip()


@pytest.mark.parametrize(
    "words", [["check"], ["show", str(SOUND)], ["generate", "x", "--seed", "-1"]]
)
def test_wrong_usage_ends_with_2(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(app, words).exit_code == 2


def test_show_writes_a_picture(tmp_path):
    out = tmp_path / "pictures" / "shop.png"
    assert run(app, ["show", str(SOUND), "--out", str(out)]).exit_code == 0
    assert out.exists()


def test_show_lists_what_cameras_see_too_little_of(tmp_path):
    out = tmp_path / "shop.png"
    result = run(app, ["show", str(SOUND), "--out", str(out), "--threshold", "50"])
    assert result.exit_code == 0
    assert "g1/s1/crisps-small: 44 px in cam1, on plates" in result.output
    assert "f1/s1/96385074: in no view, on plates" in result.output
    assert "3 of 5 slots: less than 50 px" in result.output


def test_show_gives_the_same_as_numbers():
    result = run(app, ["show", str(SOUND), "--json"])
    assert result.exit_code == 0
    found = json.loads(result.output)
    assert found["poor"] == ["f1/s1/96385074"]
    assert found["cameras"] == ["cam1"]
    slots = {slot["slot"]: slot for slot in found["slots"]}
    (view,) = slots["g1/s2/lemonade"]["views"]
    assert (view["camera"], view["face"]) == ("cam1", "top")
    assert 50 < view["px_per_dm"] < 56
    assert slots["f1/s1/96385074"] == {
        "slot": "f1/s1/96385074", "product": "96385074", "plates": 2, "views": [],
    }  # fmt: skip


def test_show_of_a_broken_store_ends_with_1(tmp_path):
    result = run(app, ["show", str(tmp_path), "--out", str(tmp_path / "x.png")])
    assert result.exit_code == 1
    assert "missing-file" in result.output


def test_show_writes_a_sheet_of_pictures(tmp_path):
    shop = copy_of_sound(tmp_path)
    (shop / "images/lemonade/front.jpg").write_bytes(b"no picture")
    shutil.rmtree(shop / "images/crisps-small")
    out = tmp_path / "sheets" / "sheet.png"
    result = run(app, ["show", str(shop), "--images", str(out)])
    assert (result.exit_code, result.output) == (0, f"{out} written\n")
    with Image.open(out) as sheet:
        colours = {colour for _, colour in sheet.getcolors(1 << 20)}
    assert (208, 32, 32) in colours
    assert len(colours) > 1000


def test_a_picture_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    result = run(app, ["show", str(SOUND), "--images", str(tmp_path / "file" / "x.png")])
    assert result.exit_code == 1
    assert "cannot write" in result.output


def test_images_are_drawn_for_products_that_have_none(tmp_path):
    shop = copy_of_sound(tmp_path)
    kept = (shop / "images/lemonade/front.jpg").read_bytes()
    shutil.rmtree(shop / "images/crisps-small")
    result = run(app, ["images", str(shop)])
    assert result.exit_code == 0
    assert "4 pictures of 1 products written, 3 had some" in result.output
    assert [path.name for path in (shop / "images/lemonade").iterdir()] == ["front.jpg"]
    assert (shop / "images/lemonade/front.jpg").read_bytes() == kept
    assert run(app, ["check", str(shop)]).output.endswith("0 errors, 0 warnings\n")


def test_generate_writes_a_store_that_checks(tmp_path):
    spec = tmp_path / "spec.yaml"
    spec.write_text("gondolas: 1\nshelves: [2]\nplates: [4]\n")
    out = tmp_path / "kiosk"
    assert run(app, ["generate", str(out), "--seed", "3", "--spec", str(spec)]).exit_code == 0
    assert run(app, ["check", str(out)]).exit_code == 0
    assert "name: kiosk" in (out / "rig.yaml").read_text()


def test_a_store_that_is_there_is_not_written_over(tmp_path):
    words = ["generate", str(tmp_path / "mine"), "--seed", "3"]
    assert run(app, words).exit_code == 0
    mine = tmp_path / "mine" / "catalogue.csv"
    mine.write_text("my own\n")
    refused = run(app, words)
    assert refused.exit_code == 2
    assert "holds something already" in refused.output
    assert mine.read_text() == "my own\n"
    assert run(app, [*words, "--force"]).exit_code == 0
    assert mine.read_text() != "my own\n"


@pytest.mark.parametrize("text", ["gondola: 1", "gondolas: -1", "plates: many", "[1]", "a: ["])
def test_a_wrong_spec_ends_with_2(tmp_path, text):
    spec = tmp_path / "spec.yaml"
    spec.write_text(text)
    result = run(app, ["generate", str(tmp_path / "x"), "--spec", str(spec)])
    assert result.exit_code == 2
    assert not (tmp_path / "x").exists()
