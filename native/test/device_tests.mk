# The device conformance tests, into build/native-test; run_device_tests runs them.
NATIVE := ..
BUILD := ../../build/native-test
OBJECTS := $(BUILD)/device

FLAGS := -std=c++20 -g -O1 -I$(NATIVE) -I$(BUILD) -Wall -Wextra -pthread -MMD -MP $(EXTRA_FLAGS)
IO := memory pcap link umem steering af_packet af_xdp open_devices
SOURCES := $(wildcard device_*.cc) $(IO:%=$(NATIVE)/io/%.cc)

$(BUILD)/device_conformance: $(patsubst %.cc,$(OBJECTS)/%.o,$(notdir $(SOURCES)))
	$(CXX) $(FLAGS) -o $@ $^ -lxdp -lbpf -lpcap
$(OBJECTS)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -c -o $@ $<
$(OBJECTS)/%.o: $(NATIVE)/io/%.cc
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -c -o $@ $<
$(OBJECTS)/steering.o: $(BUILD)/steer_object.h
$(BUILD)/steer_object.h: $(NATIVE)/bpf/steer.bpf.c $(NATIVE)/bpf/build
	@mkdir -p $(@D)
	$(NATIVE)/bpf/build $@

-include $(wildcard $(OBJECTS)/*.d)
