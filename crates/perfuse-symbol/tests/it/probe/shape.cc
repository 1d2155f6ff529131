#include <string>
#include <cstdio>
namespace outer {
struct Base { int id; virtual ~Base() {} };
struct Shape : Base {
	double area; const char *label; unsigned flag : 1;
	int measure(int scale) const;
	static int total;
};
int Shape::total = 0;
__attribute__((noinline)) int Shape::measure(int scale) const
{
	int sum = 0;
	for (int i = 0; i < scale; i++)
		sum += i * id;
	total += sum;
	return sum;
}
template <typename T> __attribute__((noinline)) T add(T a, T b)
{
	T c = a + b;
	return c;
}
}
int main(int argc, char **argv)
{
	outer::Shape shape;
	shape.id = argc;
	shape.label = argv[0];
	std::string text(argv[0]);
	printf("%d %d\n", shape.measure(argc), outer::add(argc, 2));
	return text.size() > 100;
}
