"""The receipt transformer with cameras: shapes, masks, and what it shares with the one without."""

import numpy as np
import pytest

from aisle.fusion.runtime import OUTPUTS, load_runtime
from aisle.fusion.windows import MARKS, SHAPES, SIGHT_SHAPES, TRACK, VIEWS

torch = pytest.importorskip("torch")

from aisle.learning.export import check_equal, example, export, shapes_of  # noqa: E402
from aisle.receipt_model.network import NetworkConfig, ReceiptTransformer  # noqa: E402
from aisle.receipt_model.sight import View  # noqa: E402


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ReceiptTransformer(NetworkConfig(sight=True)).eval()


def answers(network, inputs):
    with torch.no_grad():
        found = network(**{name: torch.from_numpy(a) for name, a in inputs.items()})
    return dict(zip(OUTPUTS, (tensor.numpy() for tensor in found), strict=True))


def test_columns_that_are_only_padding_change_no_answer(network):
    inputs = example(shapes_of(network), 0)
    wider = dict(inputs)
    for name, shape in SIGHT_SHAPES.items():
        for axis, label in enumerate(shape):
            if label == "columns":
                more = [(0, 0)] * inputs[name].ndim
                more[axis + 1] = (0, 3)
                fill = 0.0 if name in ("column_mask", "candidate_columns") else 7.0
                wider[name] = np.pad(wider[name], more, constant_values=fill)
    left, right = answers(network, inputs), answers(network, wider)
    for name in OUTPUTS:
        np.testing.assert_allclose(left[name], right[name], atol=1e-4, err_msg=name)


def test_a_shelf_without_plates_gets_finite_answers_that_depend_on_what_is_seen(network):
    inputs = example(shapes_of(network), 1)
    inputs["plate_mask"][:] = 0
    first = answers(network, inputs)
    inputs["column_feature"] = -inputs["column_feature"]
    second = answers(network, inputs)
    assert all(np.isfinite(value).all() for value in first.values())
    assert np.abs(first["candidate_logits"] - second["candidate_logits"]).max() > 1e-3


def test_where_sessions_stand_changes_whose_it_is_and_nothing_else_about_the_change(network):
    inputs = example(shapes_of(network), 0)
    first = answers(network, inputs)
    moved = dict(inputs, session_track=inputs["session_track"][:, ::-1].copy())
    second = answers(network, moved)
    assert np.abs(first["session_logits"] - second["session_logits"]).max() > 1e-3
    np.testing.assert_allclose(first["event_logits"], second["event_logits"], atol=1e-5)


def test_weights_trained_without_cameras_fit_into_the_network_with_them(network):
    missing, unexpected = network.load_state_dict(ReceiptTransformer().state_dict(), strict=False)
    assert not unexpected
    assert all(name.startswith("sight.") for name in missing)


def test_torch_and_onnx_agree_for_all_lengths_of_axes(network, tmp_path):
    path = export(network, tmp_path / "sight.onnx", {})
    assert check_equal(network, path) < 1e-3
    assert load_runtime(path).sight


def test_of_a_product_with_two_places_the_one_where_the_shelf_changed_counts(network):
    sight, seen = network.sight, []
    inputs = {n: torch.from_numpy(a) for n, a in example(shapes_of(network), 0).items()}
    inputs["column_mask"][:], inputs["candidate_columns"][:] = 0, 0
    plates = inputs["plate_mask"].shape[1]
    static = torch.zeros(len(inputs["plate_mask"]), plates, 4)
    static[..., 0] = torch.linspace(-0.5, 0.5, plates)
    on = torch.zeros(len(static), inputs["candidate_mask"].shape[1], plates)
    on[:, :, [0, -1]] = 1
    on[:, 0] = 0
    delta = torch.zeros(len(static), 1, plates)
    delta[:, 0, -1] = -0.3
    whose = sight.whose
    sight.whose = lambda track, event, centre: seen.append(centre)
    try:
        View(sight, inputs).whose(
            torch.zeros(len(static), MARKS), on, static, torch.ones(len(static), plates), delta
        )
    finally:
        sight.whose = whose
    np.testing.assert_allclose(seen[0], 0.5, atol=0.02)


@pytest.mark.parametrize("weighed", [True, False])
def test_plates_that_are_only_padding_change_nothing_even_when_scales_are_dead(network, weighed):
    inputs = example(shapes_of(network), 2)
    inputs["plate_signal"] *= weighed
    wider = dict(inputs)
    for name, shape in SHAPES.items():
        for axis, label in enumerate(shape):
            if label == "plates":
                more = [(0, 0)] * inputs[name].ndim
                more[axis + 1] = (0, 9)
                wider[name] = np.pad(wider[name], more)
    left, right = answers(network, inputs), answers(network, wider)
    # What keeps a sum of plates from being 0 makes padding count for some thousandths, besides what
    # it adds to all sessions alike, which says nothing of whose it is.
    whose = [
        found["session_logits"] - found["session_logits"].mean(-1, keepdims=True)
        for found in (left, right)
    ]
    np.testing.assert_allclose(*whose, atol=5e-3)


def test_near_is_who_was_seen_before_the_place(network):
    track = torch.zeros(1, 4, VIEWS, TRACK)
    at = {
        "there": (0.2, 0.3, 1, 0.2, 0.0, 1, 0.25, 0.0, 0.8),
        "beside": (0.8, 0.3, 1, 0.7, 0.0, 1, 0.2, 0.4, 0.8),
    }
    far = (0.2, 2.5, 1, 0.2, 2.2, 1, 0.0, 0.0, 0.0)
    for session, numbers in enumerate((*at.values(), far)):
        track[0, session] = torch.tensor(numbers)
    near = network.sight._there(track, torch.tensor([[0.2]]))[0, 0, :, 0]
    body, hand, reach = near[:, :3].T
    assert hand[0] == 1
    assert body[0] > body[1] > body[2] >= body[3] == 0
    assert hand[0] > hand[1] > hand[3] == 0
    assert 0.8 > reach[0] > 0.7
    assert reach[1] < 0.01  # At another shelf of the fixture.
    assert near[3].abs().max() == 0
