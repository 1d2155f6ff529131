// Stands for Node.js: a program with the probe http__server__request, as sys/sdt.h would make it, which is hit ten times a
// second.
#include <unistd.h>

__attribute__((used, section(".probes"))) unsigned short request_semaphore;

__attribute__((noinline)) static void request(int number) {
  __asm__ volatile(
      "990: nop\n"
      ".pushsection .note.stapsdt,\"\",\"note\"\n"
      ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"
      "991: .asciz \"stapsdt\"\n992: .balign 4\n"
      "993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte request_semaphore\n"
      ".asciz \"node\"\n.asciz \"http__server__request\"\n.asciz \"-4@%0\"\n994: .balign 4\n.popsection\n"
      ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
      ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.popsection\n" ::"r"(
          number));
}

int main(void) {
  for (int number = 0; number < 600; number++) {
    request(number);
    usleep(100000);
  }
  return 0;
}
