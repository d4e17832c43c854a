"""SavedModel in, answers over HTTP and gRPC out: knows TensorFlow, never the models or Keras.

A request travels through `rest.py`, `completions.py` or `rpc.py`, is decoded by `predict.py` and
`tensors.py` after the `signature.py` of the `version.py` that its `model.py` lends, is computed by
`batcher.py`, and goes back the same way. `server.py` starts and stops it all; `ray_server.py` does,
where there are several such processes, by the application of `ray_engine.py`.
"""
