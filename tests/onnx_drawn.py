"""ONNX files of other makers, drawn: their names and shapes, with arithmetic that a test can check.

The encoder gives the mean of the pixels in each cell; a decoder says how near each cell is to the
points, so what comes out tells whether points and padding arrived where they should.
"""

import onnx
from onnx import TensorProto, helper

CELLS, SIDE = 4, 64


def write(path, nodes, inputs, outputs, notes=None, constants=()):
    """A file; inputs and outputs are name -> shape, int64 where the name ends in "?"."""

    def ports(table):
        whole, real = TensorProto.INT64, TensorProto.FLOAT
        kinds = {name: whole if name.endswith("?") else real for name in table}
        return [
            helper.make_tensor_value_info(name.rstrip("?"), kinds[name], shape)
            for name, shape in table.items()
        ]

    graph = helper.make_graph(nodes, "drawn", ports(inputs), ports(outputs), list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for key, value in (notes or {}).items():
        note = model.metadata_props.add()
        note.key, note.value = key, value
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def constant(name, values, kind=TensorProto.FLOAT):
    shape = [len(values)]
    return helper.make_tensor(name, kind, shape, values)


def encoder(path, taken, given="image_embeddings"):
    """(1, 3, side, side) -> (1, 3, cells, cells): the mean of each cell."""
    pool = helper.make_node(
        "AveragePool", [taken], [given], kernel_shape=[16, 16], strides=[16, 16]
    )
    return write(path, [pool], {taken: [1, 3, SIDE, SIDE]}, {given: [1, 3, CELLS, CELLS]})


def decoder(path, maps, names, more=(), *, count=3, lead=("P", "K")):
    """Masks: the first map's red, plus the sum of (labels * x) over the tokens, C times.

    `names` are those of points, labels, masks and scores; `more` is inputs that change nothing.
    Every input is used, or a runtime would forget it.
    """
    points, labels, masks, scores = names
    more = dict(more)
    zero = constant("zero", [0.0])
    last = len(lead) - 1
    nodes = [
        helper.make_node("Slice", [maps[0], "zero_i", "one_i", "one_i"], ["red"]),
        helper.make_node("Split", [points], ["x", "y"], axis=-1, num_outputs=2),
        helper.make_node("Cast", [labels.rstrip("?")], ["kinds"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["kinds", "minus_i"], ["kinds_x"]),
        helper.make_node("Mul", ["x", "kinds_x"], ["product"]),
        helper.make_node("ReduceSum", ["product"], ["total"], keepdims=0),
    ]
    kept = "total"
    for row, name in enumerate([*maps[1:], *more]):
        nodes += [
            helper.make_node("Cast", [name.rstrip("?")], [f"f{row}"], to=TensorProto.FLOAT),
            helper.make_node("ReduceSum", [f"f{row}"], [f"s{row}"], keepdims=0),
            helper.make_node("Mul", [f"s{row}", "zero"], [f"z{row}"]),
            helper.make_node("Add", [kept, f"z{row}"], [f"k{row}"]),
        ]
        kept = f"k{row}"
    nodes += [
        helper.make_node("Add", ["red", kept], ["plane"]),
        helper.make_node("Concat", ["plane"] * count, ["stack"], axis=1),
        helper.make_node("Reshape", ["stack", "mask_shape"], [masks]),
        helper.make_node("Reshape", ["quality", "score_shape"], [scores]),
    ]
    constants = [
        zero,
        constant("zero_i", [0, 0], TensorProto.INT64),
        constant("one_i", [1, 1], TensorProto.INT64),
        constant("minus_i", [-1], TensorProto.INT64),
        constant("mask_shape", [1] * last + [count, CELLS, CELLS], TensorProto.INT64),
        constant("score_shape", [1] * last + [count], TensorProto.INT64),
        constant("quality", [0.9 - 0.1 * row for row in range(count)]),
    ]
    nodes[0] = helper.make_node("Slice", [maps[0], "starts", "ends", "axes"], ["red"])
    constants += [
        constant("starts", [0], TensorProto.INT64),
        constant("ends", [1], TensorProto.INT64),
        constant("axes", [1], TensorProto.INT64),
    ]
    inputs = {name: [1, 3, CELLS, CELLS] for name in maps}
    inputs |= {points: [*lead, 2], labels: list(lead), **more}
    outputs = {masks: [None] * (3 + last), scores: [None] * (1 + last)}
    return write(path, nodes, inputs, outputs, constants=constants)
