# Builds and tests an approver in C. A policy's Makefile says
#
#     NAME = my-policy
#     SDK = quarterdeck-sdk
#     include $(SDK)/policy.mk
#
# beside policy.c and test.c; then `make` builds dist/my-policy.wasm and `make test` runs
# the test on this machine.
#
# Debian 12: apt install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 make gcc
# Elsewhere: WASI_CC = PATH-TO-WASI-SDK/bin/clang

WASI_CC ?= clang-19
# Makes a component of a core module: $(1) into $(2).
COMPONENTIZE ?= wasm-tools component new $(1) -o $(2)

CHECKS = -std=c11 -Wall -Wextra -Wconversion -Werror
# A reactor has no main. The stack is small because each call gets a fresh one.
GUEST = --target=wasm32-wasi -Os -I$(SDK)
LINK = -mexec-model=reactor -Wl,-z,stack-size=65536,--strip-debug
BINDINGS = $(SDK)/generated/approver.c $(SDK)/generated/approver_component_type.o

dist/$(NAME).wasm: policy.c $(SDK)/approver.c $(SDK)/component.c $(BINDINGS) $(SDK)/approver.h
	@mkdir -p dist
	$(WASI_CC) $(GUEST) $(CHECKS) -c -o dist/policy.o policy.c
	$(WASI_CC) $(GUEST) $(LINK) -o dist/$(NAME).module.wasm dist/policy.o $(SDK)/approver.c $(SDK)/component.c $(BINDINGS)
	$(call COMPONENTIZE,dist/$(NAME).module.wasm,$@)

.DEFAULT_GOAL := all
.PHONY: all test clean
all: dist/$(NAME).wasm
test: dist/test
	dist/test

dist/test: policy.c test.c $(SDK)/approver.c $(SDK)/approver.h
	@mkdir -p dist
	$(CC) $(CHECKS) -g -fsanitize=address,undefined -I$(SDK) -o $@ policy.c test.c $(SDK)/approver.c

clean:
	rm -rf dist
