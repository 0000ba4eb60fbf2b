"""The features asked for, by the table they stand in and the name of their probes."""

from __future__ import annotations

__all__ = ["FEATURES"]

FEATURES: dict[str, dict[str, str]] = {
    "Derivatives": {
        "third_derivative": "third derivative",
        "forward_mode": "forward mode, for each of 15 ops",
        "hessian": "Jacobian, Hessian, Hessian times a vector",
        "complex_numbers": "complex numbers",
        "custom_op": "ops of your own",
        "vmap": "`vmap`: a gradient for each row",
        "numpy_functions": "numpy's own functions on its values",
        "fourier": "Fourier transform",
        "gamma": "log of the gamma function",
    },
    "Right or refused": {
        "where_nan": "`where`, with a nan in the branch not taken",
        "norm_at_zero": "norm at 0 is finite",
        "max_ties": "`max` of equal values: shares add up to 1",
        "tanh_tail": "derivative of tanh at 20 keeps its digits",
        "float32_kept": "float32 stays float32",
        "integer_leaf": "derivative by an integer",
        "backward_twice": "backward twice",
        "changed_in_place": "an array changed after it was used",
        "assignment": "assignment to an entry, with its gradient",
        "out_of_range": "an index out of range",
    },
    "Graphs": {
        "chain_5_000": "chain of 5,000 ops",
        "chain_100_000": "chain of 100,000 ops",
        "lookup": "gradient of a lookup without a dense table",
        "checkpoint": "recomputation in place of memory",
        "pickle": "a graph pickled, and differentiated afterwards",
        "threads": "threads do not disturb each other",
    },
    "Seeing and testing": {
        "picture": "picture of the graph",
        "paths": "what each path adds to the gradient",
        "signals": "error signal of every node",
        "first_nan": "the op that made the first nan, both ways",
        "checker": "checker of gradients",
        "checker_entries": "... names the wrong entries",
        "checker_cause": "... names a likely cause",
        "strategies": "Hypothesis strategies for inputs",
        "typed": "type hints for users",
    },
    "Speed and reach": {
        "compile": "training step compiled",
        "readable_code": "its code can be read",
        "loop": "a loop as one op",
        "half": "half precision",
        "optimisers": "optimisers",
        "convolution": "convolution",
        "gpu": "GPU",
        "distributed": "several machines or GPUs",
        "pretrained": "large models, trained",
    },
}
