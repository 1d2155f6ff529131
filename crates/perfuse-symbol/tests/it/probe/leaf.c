#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct inner { int a; unsigned b:3; unsigned c:7; long d[4]; char name[10]; };
struct outer { struct inner in; struct inner *ptr; union { int u; float f; }; struct { short s1; short s2; }; const char *text; enum { RED, GREEN } color; int (*fn)(int); };
long counter;
static int hidden = 3;
static inline __attribute__((always_inline)) int twice(int x)
{
	int y = x * 2;
	counter += y;
	return y;
}
__attribute__((noinline)) int leaf(struct outer *o, int n, char *buf)
{
	int i, sum = 0;
	char local[10];
	for (i = 0; i < n; i++) {
		sum += twice(o->in.d[i & 3]);
		if (sum > 100)
			sum -= twice(i);
	}
	snprintf(local, sizeof local, "%d", sum);
	strcpy(buf, local);
	return sum + hidden;
}
__attribute__((noinline)) static void *mid(struct outer o, double x, const char **argv)
{
	struct outer *p = &o;
	volatile int k = 5;
	if (leaf(p, k, malloc(100)) > 3)
		return p->ptr;
	counter++;
	return (void *)argv[0];
}
int main(int argc, char **argv)
{
	struct outer o = { .text = "x" };
	o.in.a = argc;
	o.in.b = 1;
	hidden += argc;
	return mid(o, 1.5, (const char **)argv) != NULL;
}
