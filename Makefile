# Everything a person types in this repository. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
# More words for the command behind a target, for example: make test ARGS="-k ledger"
ARGS ?=
IN_ENVIRONMENT := . .venv/env.sh &&

.PHONY: help setup setup-train shell demo test lint train bench check-colcon clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: ## Make or refresh the environment in .venv (the other targets do it too)
	@$(PYTHON) scripts/setup_workspace.py

setup-train: ## The same with what training, its tests and the type checker need (torch)
	@$(PYTHON) scripts/setup_workspace.py --training

shell: setup ## A shell in which `ros2 launch` and `aisle` work
	@bash --rcfile .venv/shellrc -i

demo: setup ## Two minutes in a simulated store: receipts live, then against the truth
	@$(IN_ENVIRONMENT) aisle demo $(ARGS)

test: setup-train ## All tests
	@$(IN_ENVIRONMENT) pytest $(ARGS)

lint: setup-train ## Style and types: ruff, mypy
	@$(IN_ENVIRONMENT) ruff check .
	@$(IN_ENVIRONMENT) ruff format --check .
	@$(IN_ENVIRONMENT) mypy $(ARGS)

train: setup-train ## Train a model for scales from nothing, or go on where a run stopped
	@$(IN_ENVIRONMENT) aisle train $(ARGS)

bench: setup ## Accuracy and speed on unseen simulated sessions
	@$(IN_ENVIRONMENT) aisle bench $(ARGS)

check-colcon: setup ## Build a copy of the workspace with colcon, as on a ROS 2 machine
	@scripts/check_colcon.sh

clean: ## Remove the environment and everything built or cached
	@rm -rf .venv build install log .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} + -o -name '*.egg-info' -prune -exec rm -rf {} +
