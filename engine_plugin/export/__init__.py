"""From trained networks to ONNX files with a card, compared with TensorFlow before they are
written."""
