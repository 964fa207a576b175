"""All hostile files."""

from hostile.folders import FOLDERS
from hostile.keras_files import KERAS_FILES
from hostile.onnx_files import ONNX_FILES
from hostile.saved_models import SAVED_MODELS
from hostile.tflite_files import TFLITE_FILES

CORPUS = (*KERAS_FILES, *TFLITE_FILES, *ONNX_FILES, *FOLDERS, *SAVED_MODELS)
