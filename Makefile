# likeness: a thin cover over Meson; `make` alone lists the targets.
.PHONY: help setup build demo test test-arm check bench fuzz docs clean
BUILD ?= build

help:
	@echo "make setup     install what building needs (Debian packages, ONNX Runtime)"
	@echo "make build     $(BUILD)/likeness"
	@echo "make demo      portraits with the starter pack, into demo/"
	@echo "make test      all tests"
	@echo "make test-arm  the kernels' tests as ARM64 programs, under an emulator"
	@echo "make check     format, layers, headers, lint"
	@echo "make bench     kernels in % of the processor's peak; with CHECKPOINT=FOLDER all beside its peers (docs/performance.md)"
	@echo "make fuzz      what reads files against broken input, 30 seconds each (needs clang)"
	@echo "make docs      man page and option reference, made from the option table"
	@echo "make clean     remove $(BUILD)"

setup:
	@tools/setup

build: setup
	@test -f $(BUILD)/build.ninja || said=$$(meson setup $(BUILD) 2>&1) || { echo "$$said"; exit 1; }
	@ninja -C $(BUILD) --quiet

test: build
	@test -d ../shared/data || echo "test: ../shared/data is not there, so tests on real models and photos fail; docs/building.md names other places"
	@meson test -C $(BUILD) --print-errorlogs

test-arm: setup
	@tools/test-arm

check: build
	@tools/check

bench: build
	@$(BUILD)/bench/bench_kernels
	@test -z "$(CHECKPOINT)" || tools/bench-all "$(CHECKPOINT)" --build $(BUILD) $(if $(SINGLE_FILE),--single-file "$(SINGLE_FILE)") $(if $(PYTHON),--python "$(PYTHON)")

demo: build
	@tools/demo

docs: build
	@$(BUILD)/likeness --manual > docs/likeness.1
	@$(BUILD)/likeness --reference > docs/options.md

fuzz: setup
	@fuzz/run

clean:
	@rm -rf $(BUILD)
