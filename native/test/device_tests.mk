# The device conformance tests, into build/native-test; run_device_tests runs them.
NATIVE := ..
BUILD := ../../build/native-test
OBJECTS := $(BUILD)/device

FLAGS := -std=c++20 -g -O1 -I$(NATIVE) -I$(BUILD) -Wall -Wextra -pthread -MMD -MP $(EXTRA_FLAGS)
IO := memory pcap link link_table netlink netlink_read umem steered steering stack_guard af_packet af_xdp open_devices
CORE := live_filter
SOURCES := $(wildcard device_*.cc) $(IO:%=$(NATIVE)/io/%.cc) $(CORE:%=$(NATIVE)/core/%.cc)

$(BUILD)/device_conformance: $(patsubst %.cc,$(OBJECTS)/%.o,$(notdir $(SOURCES)))
	$(CXX) $(FLAGS) -o $@ $^ -lxdp -lbpf -lpcap -lmnl
$(OBJECTS)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -c -o $@ $<
$(OBJECTS)/%.o: $(NATIVE)/io/%.cc
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -c -o $@ $<
$(OBJECTS)/%.o: $(NATIVE)/core/%.cc
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -c -o $@ $<
$(OBJECTS)/steering.o: $(BUILD)/steer_object.h
$(BUILD)/steer_object.h: $(wildcard $(NATIVE)/bpf/*) $(NATIVE)/core/live_hash.h
	@mkdir -p $(@D)
	$(NATIVE)/bpf/build $@

-include $(wildcard $(OBJECTS)/*.d)
