"""What a game ships to run models: numpy and onnxruntime, and nothing of the training side."""
