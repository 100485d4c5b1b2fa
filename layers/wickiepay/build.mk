# How `sam build` makes an artefact: with Python 3.13, which is asked for nothing but its own pip. In the project's folder.

PYTHON ?= $(shell for python in python3.13 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && echo "$$python" && break; done)
BUILD = $(if $(PYTHON),PYTHONPATH=layers/wickiepay PYTHONDONTWRITEBYTECODE=1 '$(PYTHON)' -m wickiepay_build,$(error Python 3.13 is needed to build for Lambda))
