"""Writes small ONNX models, and beside each what it reads and gives: NAME.onnx and NAME.json.

Run with PyTorch 2.15.0, onnx 1.23.2, onnxscript 0.7.2 and ONNX Runtime 1.32.0 (CPU):
python crates/lstm-core/tests/golden/onnx/generate.py

Models whose batch comes first (layout 1) are run by the ONNX project's reference evaluator: ONNX Runtime has
no such nodes on a CPU. PyTorch's models are as its exporters write them, less names of source lines.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

FOLDER = Path(__file__).parent
INPUT, HIDDEN, TIME, LENGTHS = 3, 4, 5, [3, 5, 1]
BATCH = len(LENGTHS)
KINDS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32}
random = np.random.default_rng(20)


def floats(*shape):
    return random.uniform(-0.8, 0.8, shape).astype(np.float32)


def numbers(array):
    # Nine digits give every 32-bit float back exactly.
    values = [float(f"{value:.9g}") for value in array.ravel().tolist()]
    return {"shape": list(array.shape), "data": values}


def save(name, model, read):
    path = FOLDER / f"{name}.onnx"
    onnx.save(model, path)
    onnx.checker.check_model(path, full_check=True)
    outputs = [output.name for output in model.graph.output]
    if any(a.name == "layout" and a.i == 1 for node in model.graph.node for a in node.attribute):
        program = f"the reference evaluator of onnx {onnx.__version__}"
        values = ReferenceEvaluator(model).run(outputs, read)
    else:
        program = f"ONNX Runtime {onnxruntime.__version__}"
        runtime = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        values = runtime.run(outputs, read)
    golden = {
        "program": program,
        "inputs": {name: numbers(array) for name, array in read.items()},
        "outputs": {name: numbers(array) for name, array in zip(outputs, values)},
    }
    path.with_suffix(".json").write_text(json.dumps(golden) + "\n")


def node(name, operator, given, own=(), nodes=(), **attributes):
    """A model of one node with weights W, R and B, which reads X and what `given` names; `own` are the model's
    own values, from initializers or the Constant nodes in `nodes`."""
    lstm = operator == "LSTM"
    gates = 4 if lstm else 3
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    batch_first = attributes.get("layout") == 1
    state = [BATCH, directions, HIDDEN] if batch_first else [directions, BATCH, HIDDEN]
    values = {
        "X": floats(*([BATCH, TIME] if batch_first else [TIME, BATCH]), INPUT),
        "W": floats(directions, gates * HIDDEN, INPUT),
        "R": floats(directions, gates * HIDDEN, HIDDEN),
        "B": floats(directions, 2 * gates * HIDDEN),
        "sequence_lens": np.array(LENGTHS, np.int32),
        "initial_h": floats(*state),
        "initial_c": floats(*state),
    }
    initializers = ["W", "R", "B", *own]
    from_nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(values[name], name))
        for name in nodes
    ]
    read = {name: values[name] for name in ["X", *given]}
    known = {*read, *initializers, *nodes}
    order = list(values)[: 7 if lstm else 6]
    outputs = ["Y", "Y_h", "Y_c"] if lstm else ["Y", "Y_h"]
    recurrent = helper.make_node(
        operator,
        [name if name in known else "" for name in order],
        outputs,
        name=name,
        hidden_size=HIDDEN,
        **attributes,
    )
    graph = helper.make_graph(
        [*from_nodes, recurrent],
        name,
        [helper.make_tensor_value_info(n, KINDS[a.dtype], a.shape) for n, a in read.items()],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank)
            for name, rank in zip(outputs, [4, 3, 3])
        ],
        [numpy_helper.from_array(values[name], name) for name in initializers],
    )
    opset = helper.make_opsetid("", 14)
    save(name, helper.make_model(graph, opset_imports=[opset], ir_version=7), read)


class Torch(torch.nn.Module):
    def __init__(self, kind, **sizes):
        super().__init__()
        self.rnn = kind(INPUT, HIDDEN, **sizes)

    def forward(self, x):
        output, state = self.rnn(x)
        return output, *(state if isinstance(state, tuple) else [state])


def exported(name, kind, dynamo, folded=True, **sizes):
    torch.manual_seed(20)
    module = Torch(kind, **sizes).eval()
    x = floats(BATCH, TIME, INPUT)
    path = FOLDER / f"{name}.onnx"
    outputs = ["output", "h_n", "c_n"][: 3 if kind is torch.nn.LSTM else 2]
    names = {"input_names": ["input"], "output_names": outputs}
    if dynamo:
        dynamic = [{0: torch.export.Dim("batch"), 1: torch.export.Dim("time")}]
        # Unfolded, sizes of the weights are computed from that of the batch, unless it is fixed.
        options = {"dynamic_shapes": dynamic if folded else None, "external_data": False, "optimize": folded}
    else:
        dynamic = {"input": {0: "batch", 1: "time"}}
        options = {"dynamic_axes": dynamic, "do_constant_folding": folded}
    # Of other sizes than what it is run on, where they are not fixed.
    fixed = dynamo and not folded
    traced = torch.from_numpy(x) if fixed else torch.randn(BATCH + 1, TIME + 2, INPUT)
    torch.onnx.export(module, (traced,), path, dynamo=dynamo, **names, **options)
    model = onnx.load(path)
    for message in [*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        message.ClearField("metadata_props")
        message.ClearField("doc_string")
    del model.graph.value_info[:]
    save(name, model, {"input": x})


lengths, states = ["sequence_lens"], ["initial_h", "initial_c"]
node("lstm_forward", "LSTM", [])
node("lstm_reverse", "LSTM", lengths + states, direction="reverse")
node("lstm_bidirectional", "LSTM", lengths + states, direction="bidirectional")
node("lstm_own_states", "LSTM", [], own=states, nodes=lengths, direction="bidirectional")
node("lstm_batch_first", "LSTM", states, direction="bidirectional", layout=1)
node("gru_reset_before", "GRU", lengths, direction="bidirectional", linear_before_reset=0)
node("gru_reset_after", "GRU", lengths + states[:1], direction="bidirectional", linear_before_reset=1)
node("gru_reverse", "GRU", lengths, direction="reverse", linear_before_reset=1)
node("gru_batch_first", "GRU", states[:1], direction="reverse", layout=1)

stack = {"num_layers": 2, "bidirectional": True, "batch_first": True}
exported("pytorch_lstm", torch.nn.LSTM, dynamo=False, **stack)
exported("pytorch_lstm_dynamo", torch.nn.LSTM, dynamo=True, **stack)
exported("pytorch_gru", torch.nn.GRU, dynamo=False, num_layers=2, batch_first=True, bias=False)
exported("pytorch_gru_unfolded", torch.nn.GRU, dynamo=False, folded=False, batch_first=True)
exported("pytorch_gru_dynamo_unfolded", torch.nn.GRU, dynamo=True, folded=False, batch_first=True)
